"""What a request that goes wrong is answered with: problem documents, or a page for people."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, current_app, g, json, request
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import DataError, SQLAlchemyError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from models.errors import TextbackError
from models.field_words import field_errors
from models.schedule import ScheduleError
from models.settling import NumberKeptError, NumberTakenError
from tasks.pictures import PictureError
from tasks.registry import UnknownKindError
from tasks.saved_searches import TooManySavedSearchesError
from tasks.submission import (
    FieldError,
    InvalidParamsError,
    PhoneNotVerifiedError,
    TextsOffError,
    TextsStoppedError,
)
from webapp.db import DATABASE_AWAY
from webapp.problems import PROBLEMS, Problem

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_ERROR_PAGE = "textback.error_page"
# Paths that programs call: their errors are documents, not pages.
_PROGRAM_PATHS = ("/api/", "/hooks/", "/products/", "/healthz", "/readyz")
# What is read and thrown away of a body that is too long, so that its sender, who is still
# sending, gets to read the answer instead of a reset connection.
_DRAIN_BYTES = 64 * 1024 * 1024
_DRAIN_SECONDS = 10.0


# What Flask and werkzeug raise by themselves, by status.
_BY_STATUS = {
    400: "malformed_request",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
}
_BY_ERROR: tuple[tuple[type[Exception], str, str], ...] = (
    # error, code, the field it is about
    (UnknownKindError, "unknown_kind", "kind"),
    (PhoneNotVerifiedError, "phone_not_verified", "notify"),
    (TextsOffError, "texts_off", "notify"),
    (TextsStoppedError, "texts_stopped", "notify"),
    (NumberTakenError, "phone_taken", "phone"),
    (NumberKeptError, "phone_kept", "phone"),
)


@dataclass
class ProblemError(Exception):
    """Ends a request with a problem document; `code` is a row of PROBLEMS."""

    code: str
    detail: str | None = None
    errors: Iterable[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def problem(self) -> Problem:
        """Return the row of the table."""
        return PROBLEMS[self.code]

    def document(self) -> dict[str, Any]:
        """Return the problem document. Source: RFC 9457; `code` and `errors` are ours."""
        document: dict[str, Any] = {
            "type": f"/api/docs#problem-{self.code}",
            "title": self.problem.title,
            "status": self.problem.status,
            "detail": self.detail or f"{self.problem.title}. {self.problem.remedy}",
            "code": self.code,
        }
        errors = [{"field": error.field, "message": error.message} for error in self.errors]
        if errors:
            document["errors"] = errors
        return document | dict(self.more)

    def response(self) -> Response:
        """Return the document as an answer."""
        response = Response(
            json.dumps(self.document()) + "\n", self.problem.status, mimetype=MEDIA_TYPE
        )
        response.headers.update(self.headers)
        response.headers["Cache-Control"] = "no-store"
        return response


ErrorPage = Callable[[ProblemError], AnyResponse]


def set_error_page(app: Flask, render: ErrorPage) -> None:
    """Let people, unlike programs, read about errors on a page."""
    app.extensions[_ERROR_PAGE] = render


def init_errors(app: Flask) -> None:
    """Answer every error of a program with a problem document, those of Flask itself too."""
    app.register_error_handler(ProblemError, _answer)
    app.register_error_handler(HTTPException, lambda error: _answer(_of_http(error)))
    app.register_error_handler(InvalidParamsError, lambda error: _answer(invalid(error.errors)))
    app.register_error_handler(
        ScheduleError, lambda error: _answer(invalid_field(error.field, str(error)))
    )
    app.register_error_handler(
        TooManySavedSearchesError,
        lambda error: _answer(ProblemError("too_many_saved_searches", str(error))),
    )
    for kind, code, name in _BY_ERROR:
        app.register_error_handler(kind, _about_field(code, name))
    for away in DATABASE_AWAY:
        app.register_error_handler(away, _database_away)
    app.register_error_handler(DataError, _unstorable)
    app.register_error_handler(Exception, _unforeseen)


def invalid(errors: Iterable[FieldError]) -> ProblemError:
    """Return the problem of fields that are not right; the detail names all of them."""
    errors = list(errors)
    detail = "; ".join(f"{error.field}: {error.message}" for error in errors)
    return ProblemError("invalid_request", detail, errors)


def invalid_field(name: str, message: str) -> ProblemError:
    """Return the problem of one field that is not right."""
    return invalid([FieldError(name, message)])


def name_what_may_be_too_long(*fields: str) -> None:
    """Remember which fields a body that is cut off may have been too long in."""
    g.long_fields = fields


def picture_problem(error: PictureError, name: str) -> ProblemError:
    """Return the problem of a file that is no picture we take."""
    return ProblemError(error.code, error.message, [FieldError(name, error.message)])


def of_validation(error: ValidationError, model: type[BaseModel] | None = None) -> ProblemError:
    """Return the problem of a body, a query or a path that pydantic refused.

    `model` is the one that was validated, where it is known.
    """
    names = ", ".join(model.model_fields) if model else ""
    errors = []
    for where, kind, words in field_errors(error, model):
        field_name = ".".join(where)
        if kind == "extra_forbidden":
            there_is = f"There is no such field; there is {names}." if names else "Is not known."
            errors.append(FieldError(field_name, there_is))
        else:
            errors.append(FieldError(field_name, words))
    return invalid(errors)


def is_program() -> bool:
    """Whether this request came to an address for programs."""
    return request.path.startswith(_PROGRAM_PATHS)


def _answer(error: ProblemError) -> AnyResponse:
    if error.problem.status == 413:
        _drain()
    render: ErrorPage | None = current_app.extensions.get(_ERROR_PAGE)
    if render is not None and not is_program():
        return render(error)
    return error.response()


def _of_http(error: HTTPException) -> ProblemError:
    status = error.code or 500
    code = _BY_STATUS.get(status, "malformed_request" if status < 500 else "internal_error")
    headers: dict[str, str] = {}
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        headers["Allow"] = ", ".join(sorted(allowed))
    detail, errors = None, list[FieldError]()
    if isinstance(error, RequestEntityTooLarge) and request.max_content_length:
        most = request.max_content_length
        length = request.content_length
        if request.mimetype == "multipart/form-data":
            if length is None or length > most:
                code, most = "file_too_large", current_app.config["MAX_UPLOAD_BYTES"]
            else:
                most = request.max_form_memory_size or most  # the fields, without the files
        detail = f"{PROBLEMS[code].title}: {most:,} bytes is the most that is taken."
        fields = g.get("long_fields", ())
        # A form whose other fields are too long says nothing about its file.
        if len(fields) == 1 and (code == "file_too_large") != (fields == ("body",)):
            errors.append(FieldError(fields[0], detail))
    return ProblemError(code, detail, errors, headers=headers)


def _about_field(code: str, name: str) -> Callable[[TextbackError], AnyResponse]:
    def answer(error: TextbackError) -> AnyResponse:
        return _answer(ProblemError(code, str(error), [FieldError(name, str(error))]))

    return answer


def _database_away(error: Exception) -> AnyResponse:
    # The driver's class says more than SQLAlchemy's; its text may hold values and stays out.
    log.warning("database away: %s", type(getattr(error, "orig", None) or error).__name__)
    return _answer(ProblemError("database_unavailable", headers={"Retry-After": "5"}))


def _unstorable(error: DataError) -> AnyResponse:
    """Answer what slipped through the checks of fields: Postgres has the last word."""
    log.warning("value refused by the database: %s", type(error.orig).__name__)
    return _answer(
        ProblemError(
            "invalid_request", "A value cannot be stored: text with a NUL, or a number too large."
        )
    )


def _unforeseen(error: Exception) -> AnyResponse:
    log.error(
        "request broke method=%s endpoint=%s error=%s\n%s",
        request.method,
        request.endpoint,
        type(getattr(error, "orig", None) or error).__name__,
        # The text of a database's error may hold what somebody typed; where it broke is enough.
        "".join(traceback.format_tb(error.__traceback__))
        if isinstance(error, SQLAlchemyError)
        else traceback.format_exc(),
    )
    return _answer(ProblemError("internal_error"))


def _drain() -> None:
    stream = request.environ.get("wsgi.input")
    if stream is None:
        return
    left = min(request.content_length or _DRAIN_BYTES, _DRAIN_BYTES)
    deadline = time.monotonic() + _DRAIN_SECONDS
    try:
        while left > 0 and time.monotonic() < deadline:
            piece = stream.read(min(64 * 1024, left))
            if not piece:
                return
            left -= len(piece)
    except OSError:
        return  # it has gone away
