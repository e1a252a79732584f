"""Fields of a form made from a kind's JSON Schema: how each is drawn, read and checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask_babel import gettext, ngettext
from pydantic import BaseModel

from tasks.fields import UPLOAD, upload_fields
from webapp.pages.form_words import choose_one, too_long, unreadable
from webapp.resources.schemas import is_odd_text

# Longer text gets room for several lines.
_ONE_LINE = 200
_SHAPES = {"boolean": "tick", "integer": "number", "number": "number"}
_WHOLE = re.compile(r"[+-]?\d{1,30}")
_NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")


@dataclass(frozen=True, slots=True)
class SchemaField:
    """One param as a field.

    Attributes:
        name: of the param; its field is called `params.<name>`.
        title: what people call it, in the words of the kind's package.
        shape: `text`, `long`, `url`, `number`, `tick`, `choice`, `choices`, `lines`, `upload`, or
            `json` for what no field can show.
        entry: the shape of each line of `lines`.
        options: (value, label) of a choice.
        default: the value a fresh form has, as text; a list for `choices`.
        bounds: the JSON Schema of the value, for its limits.
    """

    name: str
    title: str
    description: str
    shape: str
    is_required: bool
    entry: str
    options: tuple[tuple[str, str], ...]
    default: str | list[str]
    bounds: Mapping[str, Any]

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are right."""
        return self.bounds.get("type") == "integer"

    def show(self, value: Any) -> str | list[str]:
        """Return a value of the param as the field holds it."""
        if self.shape == "choices":
            return [_text(one) for one in value] if isinstance(value, list) else []
        if self.shape == "lines":
            return "\n".join(map(_text, value)) if isinstance(value, list) else ""
        if self.shape == "json":
            return "" if value is None else json.dumps(value, ensure_ascii=False)
        if self.shape == "tick":
            return "true" if value is True else ""
        return _text(value)

    def read(self, typed: str | list[str]) -> Any:
        """Return the value of what was typed, or None for nothing: then the default holds."""
        if isinstance(typed, list):
            return [self._meant(one) for one in typed]
        if self.shape == "tick":
            return bool(typed)
        text = typed.strip()
        if self.shape == "lines":
            return _lines(text) or None
        if not text:
            return None
        if self.shape == "choice":
            return self._meant(text)
        return json.loads(text) if self.shape == "json" else text

    def problem(self, typed: str | list[str]) -> str | None:
        """Return what is wrong with what was typed, in the reader's language; None for nothing."""
        given = [typed] if isinstance(typed, str) else typed
        if any(map(is_odd_text, given)):
            return unreadable()
        given = [one.strip() for one in given if one.strip()]
        if self.shape == "tick":
            return None
        if not given:
            return gettext("Please fill this in.") if self.is_required else None
        if self.shape in ("choice", "choices"):
            known = {value for value, _ in self.options}
            return None if known.issuperset(given) else choose_one()
        if self.shape == "lines":
            lines = _lines(given[0])
            wrong = (_wrong(self.entry, line, self.bounds.get("items", {})) for line in lines)
            return next(filter(None, wrong), None) or self._wrong_count(len(lines))
        return _wrong(self.shape, given[0], self.bounds)

    def _meant(self, text: str) -> Any:
        """Return the option itself, which may be a number."""
        schema = self.bounds.get("items", {}) if self.shape == "choices" else self.bounds
        return next((one for one in _values(schema) if _text(one) == text), text)

    def _wrong_count(self, count: int) -> str | None:
        most, least = self.bounds.get("maxItems"), self.bounds.get("minItems")
        if most is not None and count > most:
            return ngettext("At most %(num)s line, please.", "At most %(num)s lines, please.", most)
        if least is not None and count < least:
            return ngettext(
                "At least %(num)s line, please.", "At least %(num)s lines, please.", least
            )
        return None


def schema_fields(params: type[BaseModel]) -> list[SchemaField]:
    """Return a field for each param of a kind, in their order."""
    whole = params.model_json_schema()
    required, uploads = set(whole.get("required", ())), set(upload_fields(params))
    return [
        _field(
            name,
            {**schema, "format": UPLOAD} if name in uploads else schema,
            whole.get("$defs", {}),
            is_required=name in required,
        )
        for name, schema in whole.get("properties", {}).items()
    ]


def _field(
    name: str, schema: Mapping[str, Any], others: Mapping[str, Any], *, is_required: bool
) -> SchemaField:
    told = dict(schema)
    value, is_nullable = _plain(schema, others)
    if "items" in value:
        value = {**value, "items": _plain(value["items"], others)[0]}
    if schema.get("format") == UPLOAD:
        value = {**value, "format": UPLOAD}
    shape, entry = _shape(value, is_nullable=is_nullable)
    source = value.get("items", {}) if shape == "choices" else value
    options = [(_text(one), _label(one)) for one in _values(source)]
    if shape == "choice" and value.get("type") == "boolean":
        options = [("true", gettext("Yes")), ("false", gettext("No"))]
    blank = SchemaField(
        name=name,
        title=str(told.get("title") or name.replace("_", " ").capitalize()),
        description=str(told.get("description") or ""),
        shape=shape,
        is_required=is_required and shape != "tick",
        entry=entry,
        options=tuple(options),
        default="",
        bounds=value,
    )
    return SchemaField(
        **{
            **{one: getattr(blank, one) for one in SchemaField.__slots__},
            "default": blank.show(told.get("default")),
        }
    )


def _plain(schema: Mapping[str, Any], others: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return a schema without references and without null, and whether null was one of it."""
    schema = _followed(schema, others)
    for name in ("anyOf", "oneOf", "allOf"):
        parts = [_followed(part, others) for part in schema.get(name, ())]
        real = [part for part in parts if part.get("type") != "null"]
        if len(real) == 1:
            return {**schema, **real[0]}, len(real) < len(parts)
        if real:
            return {}, len(real) < len(parts)  # of several shapes: any of them, as JSON
    return dict(schema), False


def _followed(schema: Mapping[str, Any], others: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    found = others.get(reference.rpartition("/")[2], {})
    return {**found, **{name: value for name, value in schema.items() if name != "$ref"}}


def _shape(value: Mapping[str, Any], *, is_nullable: bool) -> tuple[str, str]:
    """Return how a value is drawn, and each line of a list."""
    kind = str(value.get("type"))
    if value.get("format") == UPLOAD:
        return "upload", ""
    if _values(value) or (kind == "boolean" and is_nullable):
        return "choice", ""
    if kind == "array":
        entry = _shape(value.get("items", {}), is_nullable=False)[0]
        if entry == "choice":
            return "choices", ""
        return ("lines", entry) if entry in ("text", "url", "number") else ("json", "")
    if kind == "string":
        is_long = value.get("maxLength", 0) > _ONE_LINE
        return ("url" if value.get("format") == "uri" else "long" if is_long else "text"), ""
    return _SHAPES.get(kind, "json"), ""


def _lines(text: str) -> list[str]:
    return [line for line in map(str.strip, text.splitlines()) if line]


def _values(schema: Mapping[str, Any]) -> list[Any]:
    if "const" in schema:
        return [schema["const"]]
    return list(schema.get("enum", ()))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _label(value: Any) -> str:
    return _text(value).replace("_", " ").capitalize()


def _wrong(shape: str, text: str, schema: Mapping[str, Any]) -> str | None:
    if shape == "number":
        return _wrong_number(text, schema)
    if shape == "json":
        return None if _is_json(text) else gettext("This is not valid JSON.")
    if shape == "url" and not _is_address(text):
        return gettext("This is not a web address we can open.")
    most, least = schema.get("maxLength"), schema.get("minLength")
    if most is not None and len(text) > most:
        return too_long(most)
    if least is not None and len(text) < least:
        return ngettext(
            "At least %(num)s character, please.", "At least %(num)s characters, please.", least
        )
    return None


def _wrong_number(text: str, schema: Mapping[str, Any]) -> str | None:
    if schema.get("type") == "integer" and not _WHOLE.fullmatch(text):
        return gettext("This has to be a whole number.")
    if not _NUMBER.fullmatch(text):
        return gettext("This has to be a number.")
    number = float(text)
    least, most = schema.get("minimum"), schema.get("maximum")
    is_low = least is not None and number < least
    is_high = most is not None and number > most
    if (is_low or is_high) and least is not None and most is not None:
        return gettext("This has to be from %(least)s to %(most)s.", least=least, most=most)
    if is_low:
        return gettext("This has to be %(least)s or more.", least=least)
    if is_high:
        return gettext("This has to be %(most)s or less.", most=most)
    return None


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
