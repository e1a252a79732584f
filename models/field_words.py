"""What is wrong with a field, in plain words: pydantic's own are for programmers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

_WHOLE = "must be a whole number"
_NUMBER = "must be a number"
_MOMENT = "must be a moment with its zone, e.g. 2026-03-29T08:00+09:00"
_WEB_ADDRESS = "must be an address that begins with http:// or https://"
_BY_TYPE = {
    "missing": "is required",
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "finite_number": _NUMBER,
    "string_type": "must be text",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be a JSON object",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "list_type": "must be a list",
    "uuid_parsing": "must be an id, a UUID",
    "uuid_type": "must be an id, a UUID",
    "timezone_aware": _MOMENT,
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT,
    "url_type": _WEB_ADDRESS,
    "url_parsing": _WEB_ADDRESS,
    "url_scheme": _WEB_ADDRESS,
}
_BOUNDS = {
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be more than {gt}",
    "less_than": "must be less than {lt}",
}
_LENGTHS = {
    "string_too_long": "max_length",
    "string_too_short": "min_length",
    "too_long": "max_length",
    "too_short": "min_length",
}
# What is counted by its entries; of all else that has a length, by its characters.
_OF_ENTRIES = frozenset({"List", "Tuple", "Set", "Frozenset", "Dictionary"})


def field_errors(
    error: ValidationError, model: type[BaseModel] | None = None
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield, for each thing wrong: where it is, pydantic's type of it, and what would be right.

    `model` is what was validated; its bounds are then told with what goes beyond them.
    """
    properties = model.model_json_schema().get("properties", {}) if model else {}
    for problem in error.errors(include_url=False, include_input=False):
        where = tuple(str(part) for part in problem["loc"])
        bounds = _range(properties.get(where[0], {})) if len(where) == 1 else ""
        yield where, problem["type"], _words(problem, bounds)


def _words(problem: Mapping[str, Any], bounds: str) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    if kind in _BOUNDS:
        return f"must be {bounds}" if bounds else _BOUNDS[kind].format(**context)
    if kind in _LENGTHS:
        return _length(context, _LENGTHS[kind])
    if kind in ("literal_error", "enum"):
        return f"must be {context['expected']}"
    words = _BY_TYPE.get(kind)
    if words is None:
        return str(problem["msg"]).removeprefix("Value error, ")
    return f"{words}, {bounds}" if bounds and words in (_WHOLE, _NUMBER) else words


def _length(context: Mapping[str, Any], bound: str) -> str:
    """Return how long it must be: a text that was checked before is no `string` to pydantic."""
    count = context[bound]
    one, many = "character", "characters"
    if context.get("field_type") in _OF_ENTRIES:
        one, many = "entry", "entries"
    least = "at least" if bound == "min_length" else "at most"
    return f"must have {least} {count} {one if count == 1 else many}"


def _range(schema: Mapping[str, Any]) -> str:
    """Return `1 to 60` for a number with both bounds, else ""."""
    for choice in (schema, *schema.get("anyOf", ())):
        if "minimum" in choice and "maximum" in choice:
            return f"{choice['minimum']:g} to {choice['maximum']:g}"
    return ""
