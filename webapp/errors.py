"""Every way a request can go wrong, in one table, and the problem documents that say so."""

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
from models.settling import NumberKeptError, NumberTakenError
from tasks.field_words import field_errors
from tasks.pictures import PictureError
from tasks.registry import UnknownKindError
from tasks.submission import (
    FieldError,
    InvalidParamsError,
    PhoneNotVerifiedError,
    TextsOffError,
    TextsStoppedError,
)
from webapp.db import DATABASE_AWAY

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_ERROR_PAGE = "textback.error_page"
# Paths that programs call: their errors are documents, not pages.
_PROGRAM_PATHS = ("/api/", "/hooks/", "/products/", "/healthz", "/readyz")
# What is read and thrown away of a body that is too long, so that its sender, who is still
# sending, gets to read the answer instead of a reset connection.
_DRAIN_BYTES = 64 * 1024 * 1024
_DRAIN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Problem:
    """One row of the table: what happened, and what its reader can do."""

    status: int
    title: str
    remedy: str


PROBLEMS: Mapping[str, Problem] = {
    "malformed_request": Problem(
        400, "The request cannot be understood", "Send well-formed HTTP and a well-formed body."
    ),
    "malformed_json": Problem(
        400, "The body is not JSON", "Send one JSON object, in UTF-8, as application/json."
    ),
    "token_missing": Problem(
        401, "There is no token", "Send `Authorization: Bearer tb_…` with a token of yours."
    ),
    "token_invalid": Problem(
        401, "That token is not known", "Send a token that exists and was not revoked."
    ),
    "forbidden": Problem(
        403, "That is not allowed from there", "Send the form again from its own page."
    ),
    "not_found": Problem(404, "There is nothing at this address", "Look at the list of addresses."),
    "job_not_found": Problem(
        404, "There is no such job", "Use the id of a job of yours, as the submit answered it."
    ),
    "method_not_allowed": Problem(
        405, "Not with this method", "Use one of the methods in the Allow header."
    ),
    "not_finished": Problem(
        409, "The job has not ended yet", "Ask again later, or wait for it with ?wait= or events."
    ),
    "job_failed": Problem(
        409, "The job failed, so it has no result", "The sentence says why; submit a new job."
    ),
    "job_cancelled": Problem(
        409, "The job was cancelled, so it has no result", "Submit a new job."
    ),
    "job_already_ended": Problem(
        409, "The job has ended already", "There is nothing to stop; read it, or run it again."
    ),
    "job_not_ended": Problem(
        409, "The job has not ended", "Cancel it first, then delete it."
    ),
    "text_under_way": Problem(
        409, "The job's text is being sent just now", "Delete the job in some minutes."
    ),
    "job_expired": Problem(
        410, "The job has expired", "What it asked and found is not kept; submit a new job."
    ),
    "body_too_large": Problem(413, "The body is too large", "Send a smaller one."),
    "file_too_large": Problem(413, "The file is too large", "Send a smaller one."),
    "upload_quota": Problem(
        413, "Your files take too much room", "Wait until some are gone; `detail` says how."
    ),
    "unsupported_media_type": Problem(
        415, "Not in this format", "Send application/json, or multipart/form-data with files."
    ),
    "invalid_request": Problem(
        422, "Some fields are not right", "`errors` names each field and what would be right."
    ),
    "unknown_kind": Problem(
        422, "There is no such kind of job", "Use one that GET /api/v1/kinds lists."
    ),
    "empty_file": Problem(422, "The file is empty", "Send a file with content."),
    "not_a_picture": Problem(
        422, "That is not a picture", "Send a JPEG, PNG, WebP or HEIC file, whatever its name."
    ),
    "picture_truncated": Problem(422, "The picture is cut off", "Send the whole file."),
    "picture_unreadable": Problem(422, "The picture is damaged", "Send another one."),
    "picture_too_complex": Problem(
        422, "The picture takes too long to read", "Save it anew, or send another one."
    ),
    "picture_too_large": Problem(
        422, "The picture has too many pixels", "Send it with fewer pixels."
    ),
    "phone_not_verified": Problem(
        422, "There is no verified phone number", "Verify a number first, or use notify=none."
    ),
    "token_not_found": Problem(
        404, "There is no such token", "Use an id that GET /api/v1/tokens lists."
    ),
    "session_not_found": Problem(
        404, "There is no such session", "Use an id that GET /api/v1/sessions lists."
    ),
    "too_many_tokens": Problem(
        409, "There are too many tokens", "Revoke one that is not needed any more."
    ),
    "too_many_codes": Problem(
        429, "That is all the codes for today", "Try again tomorrow, or with another number."
    ),
    "verification_not_found": Problem(
        404, "There is no such verification", "Ask for a code first; it lives for ten minutes."
    ),
    "code_wrong": Problem(
        422, "That is not the code", "Send the six digits of the newest text; five tries in all."
    ),
    "code_used_up": Problem(422, "That was wrong five times", "Ask for a new code."),
    "code_expired": Problem(422, "This code is over", "Ask for a new code; one lives ten minutes."),
    "phone_taken": Problem(
        409,
        "This number belongs to another account",
        "This account has a number of its own. Use a token of that account.",
    ),
    "phone_kept": Problem(
        409,
        "This account has another number",
        "Only its person changes it, in a browser, on the page of the account.",
    ),
    "texts_stopped": Problem(
        422,
        "This number wants no texts",
        "Use notify=none, or have its person turn texts on again.",
    ),
    "texts_off": Problem(
        422, "This server sends no text messages", "Use notify=none."
    ),
    "idempotency_key_reused": Problem(
        422,
        "That Idempotency-Key was used for something else",
        "Send each key with one request only; a new request needs a new key.",
    ),
    "too_many_requests": Problem(
        429, "Too many at once", "Wait for the seconds in Retry-After, then go on."
    ),
    "internal_error": Problem(
        500, "Something went wrong on our side", "Try again; nothing was half-done."
    ),
    "database_unavailable": Problem(
        503,
        "The database is away",
        "Try again after Retry-After; a submit with an Idempotency-Key can be repeated as it is, "
        "else your list of jobs tells whether it got through.",
    ),
    "too_many_streams": Problem(
        503, "Too many open streams", "Poll the job instead, or try again after Retry-After."
    ),
}  # fmt: skip

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
