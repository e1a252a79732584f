"""What clients send: JSON objects and multipart forms, within bounds and without surprises."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, cast

from flask import Request, current_app, request

from tasks.submission import FieldError
from webapp.errors import ProblemError, invalid, name_what_may_be_too_long
from webapp.resources.schemas import ODD_TEXT, is_odd_text

MAX_JSON_BYTES = 64 * 1024
# Room for the other fields and the boundaries of a form beside its files.
FORM_BYTES = 1024 * 1024


class JsonRequest(Request):
    """A request whose body is read within our bounds, also where a route names a model for it."""

    def get_json(self, *_: Any, **__: Any) -> Any:
        """Return the JSON object of the body, however it is asked for; see `read_json_object`."""
        return read_json_object()


def has_body() -> bool:
    """Whether anything is sent with this request."""
    is_chunked = "chunked" in request.headers.get("Transfer-Encoding", "")
    return bool(request.content_length) or is_chunked


def read_json_object() -> dict[str, Any]:
    """Return the JSON object of the body.

    Raises:
        ProblemError: there is none, it is too long, not JSON, no object, or holds what no database
            takes.
    """
    if not has_body():
        raise missing_body()
    if request.mimetype != "application/json":
        raise ProblemError(
            "unsupported_media_type",
            f"The body is sent as application/json, not as {request.mimetype or 'nothing named'}.",
        )
    request.max_content_length = MAX_JSON_BYTES
    name_what_may_be_too_long("body")
    return parse_json_object(request.get_data(cache=False))


def missing_body() -> ProblemError:
    """Return the problem of a request that should have a body and has none."""
    return ProblemError("malformed_json", "There is no body. Send one JSON object.")


def parse_json_object(text: bytes | str) -> dict[str, Any]:
    """Return a JSON object, strictly: no NaN, no NUL, no half characters, no abyss of brackets."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        detail = str(error) if isinstance(error, json.JSONDecodeError) else "It is not valid JSON"
        raise ProblemError("malformed_json", f"{detail}. Send one JSON object.") from None
    if not isinstance(value, dict):
        raise ProblemError("malformed_json", "The body must be one JSON object, in braces.")
    refuse_odd_text(value)
    return value


def refuse_odd_text(value: Mapping[str, Any]) -> None:
    """Refuse text that Postgres does not store, wherever in the value it stands.

    Raises:
        ProblemError: names every place.
    """
    errors = [FieldError(name, ODD_TEXT) for name in _places_of_odd_text(value)]
    if errors:
        raise invalid(errors)


def allow_files(count: int, *fields: str) -> None:
    """Let the form of this request be as long as `count` files may make it.

    `fields` are those that take one: what is too long is told by its name where there is one alone.
    """
    name_what_may_be_too_long(*fields)
    most = cast(int, current_app.config["MAX_UPLOAD_BYTES"])
    request.max_content_length = count * most + FORM_BYTES
    # Werkzeug counts what it has read ahead of a file's content too, up to 64 KiB and some.
    request.max_form_memory_size = FORM_BYTES
    request.max_form_parts = 100


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number


def _places_of_odd_text(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, str):
        if is_odd_text(value):
            yield path
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _places_of_odd_text(key, path or "key")
            yield from _places_of_odd_text(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places_of_odd_text(item, f"{path}.{index}")
