"""A submit as it comes in, as JSON or as a form with files, made into one Submission."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import request
from pydantic import ValidationError
from sqlalchemy.orm import Session

from models import Job, JobSource, User
from tasks.fields import upload_fields
from tasks.registry import JobKind, find_kind, kinds
from tasks.submission import FieldError, Submission, submit
from webapp.auth import CurrentPerson
from webapp.db import settings
from webapp.errors import ProblemError, invalid, of_validation
from webapp.idempotency import IdempotencyKey
from webapp.picture_files import PictureFile
from webapp.resources.bodies import (
    allow_files,
    has_body,
    missing_body,
    parse_json_object,
    read_json_object,
    refuse_odd_text,
)
from webapp.resources.schemas import ODD_TEXT, JobRequest, is_odd_text

FORM = "multipart/form-data"
_OBJECTS = frozenset({"params", "client_context"})


@dataclass
class Incoming:
    """What was sent, checked as far as that goes without the database."""

    request: JobRequest
    kind: JobKind
    files: dict[str, PictureFile] = field(default_factory=dict)

    def submit(self, session: Session, person: CurrentPerson, key: IdempotencyKey | None) -> Job:
        """Write files and job in the caller's transaction: both or neither.

        Raises:
            SameQuestionError: this person asks the same already, and `force` was not sent.
        """
        params = dict(self.request.params)
        for name, file in self.files.items():
            params[name] = str(file.store(session, person.id).id)
        locale = self.request.locale
        if locale is None:
            user = session.get(User, person.id)
            locale = "ko" if user is not None and user.locale == "ko" else "en"
        submission = Submission(
            kind=self.kind.name,
            params=params,
            source=JobSource.API,
            notify=self.request.notify,
            locale=locale,
            retention_days=self.request.retention_days,
            client_context=self.request.client_context,
            idempotency_key=key.key if key else None,
            request_hash=key.request_hash if key else None,
            force=self.request.force,
        )
        return submit(session, settings(), person.id, submission)

    def key(self, sent: str | None) -> IdempotencyKey | None:
        """Return the key this submit came under, if any, with a hash of all it asks for."""
        return IdempotencyKey.check(
            sent,
            "POST /jobs",
            # Without what was left out: a field of the next release changes no hash of this one.
            self.request.model_dump(mode="json", exclude_defaults=True),
            lambda: {name: file.sha256() for name, file in self.files.items()},
        )


def read_submit() -> Incoming:
    """Return what this request asks for.

    Raises:
        ProblemError: with every field that is not right.
        UnknownKindError: names the kinds there are.
    """
    if request.mimetype == FORM:
        return _read_form()
    if not has_body():
        raise missing_body()
    if request.mimetype != "application/json":
        raise ProblemError(
            "unsupported_media_type",
            f"A job is submitted as application/json or as {FORM}, not as "
            f"{request.mimetype or 'nothing named'}.",
        )
    asked = _checked(read_json_object())
    return Incoming(asked, find_kind(asked.kind))


def _read_form() -> Incoming:
    """Read `kind`, `notify` and the like, params as JSON or as fields of their own, and files."""
    takes_files = [upload_fields(kind.params) for kind in kinds().values()]
    names = {f"params.{name}" for fields in takes_files for name in fields}
    allow_files(max([1, *map(len, takes_files)]), *names)
    asked: dict[str, Any] = {}
    for name, text in request.form.items():
        if name in JobRequest.model_fields:
            asked[name] = _read_object(name, text) if name in _OBJECTS else text
    refuse_odd_text({name: text for name, text in asked.items() if name not in _OBJECTS})
    named = {"kind": asked["kind"]} if "kind" in asked else {}
    kind = find_kind(_checked(named).kind)
    params: dict[str, Any] = asked.pop("params", {})
    fields, errors = _fields_of_form(kind, params)
    pictures, more = _files_of_form(kind, params)
    if errors or more:
        raise invalid(errors + more)
    return Incoming(_checked({**asked, "params": {**params, **fields}}), kind, pictures)


def _fields_of_form(
    kind: JobKind, params: Mapping[str, Any]
) -> tuple[dict[str, Any], list[FieldError]]:
    """Return the params that came as fields of their own, and what is wrong with the fields."""
    found: dict[str, Any] = {}
    errors: list[FieldError] = []
    properties = kind.params.model_json_schema().get("properties", {})
    for name, values in request.form.lists():
        if name in JobRequest.model_fields:
            if len(values) > 1:
                errors.append(FieldError(name, "is given more than once"))
        elif any(is_odd_text(value) for value in values):
            errors.append(FieldError(f"params.{name}", ODD_TEXT))
        elif name not in kind.params.model_fields:
            known = ", ".join([*JobRequest.model_fields, *kind.params.model_fields])
            errors.append(FieldError(name, f"There is no such field; there is {known}."))
        elif _is_list(properties.get(name, {})):
            found[name] = values
        else:
            found[name] = values[0]
            if len(values) > 1:
                errors.append(FieldError(f"params.{name}", "is given more than once"))
        if name in found and name in params:
            errors.append(FieldError(f"params.{name}", "is given twice"))
    return found, errors


def _files_of_form(
    kind: JobKind, params: Mapping[str, Any]
) -> tuple[dict[str, PictureFile], list[FieldError]]:
    """Return the files by the param they fill, and what is wrong with where they were put.

    Raises:
        ProblemError: a file is none that is taken.
    """
    found: dict[str, PictureFile] = {}
    errors: list[FieldError] = []
    takes_files = upload_fields(kind.params)
    right = f"files go in {', '.join(takes_files)}" if takes_files else "it takes no files"
    for name, files in request.files.lists():
        where = f"params.{name}"
        if name not in takes_files:
            errors.append(FieldError(where, f"{kind.name} takes no file here; {right}."))
        elif name in params or name in request.form or len(files) > 1:
            errors.append(FieldError(where, "is given twice"))
        else:
            found[name] = PictureFile.check(files[0], where)
    return found, errors


def _checked(asked: Mapping[str, Any]) -> JobRequest:
    try:
        return JobRequest.model_validate(asked)
    except ValidationError as error:
        raise of_validation(error, JobRequest) from None


def _read_object(name: str, text: str) -> dict[str, Any]:
    try:
        return parse_json_object(text)
    except ProblemError as error:
        if error.code == "malformed_json":
            raise invalid([FieldError(name, f"must be a JSON object: {error.detail}")]) from None
        raise


def _is_list(schema: dict[str, Any]) -> bool:
    choices = [schema, *schema.get("anyOf", ())]
    return any(choice.get("type") == "array" for choice in choices)
