"""What is wrong with a field, in plain words: pydantic's own are for programmers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

_WHOLE = "must be a whole number"
_NUMBER = "must be a number"
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
}
_BOUNDS = {
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be more than {gt}",
    "less_than": "must be less than {lt}",
}
_LENGTHS = {
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have at least {min_length} entries",
}


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
        return _LENGTHS[kind].format(**context)
    if kind in ("literal_error", "enum"):
        return f"must be {context['expected']}"
    words = _BY_TYPE.get(kind)
    if words is None:
        return str(problem["msg"]).removeprefix("Value error, ")
    return f"{words}, {bounds}" if bounds and words in (_WHOLE, _NUMBER) else words


def _range(schema: Mapping[str, Any]) -> str:
    """Return `1 to 60` for a number with both bounds, else ""."""
    for choice in (schema, *schema.get("anyOf", ())):
        if "minimum" in choice and "maximum" in choice:
            return f"{choice['minimum']:g} to {choice['maximum']:g}"
    return ""
