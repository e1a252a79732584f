"""Take a request in: check it by its kind, write the row, and only then tell a worker."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Job, JobEvent, JobSource, ResultLink, Settings, Turn, Upload, User
from models.errors import TextbackError
from models.field_words import field_errors
from models.ids import new_id
from models.repeated import find_same_question
from models.suppression import why_stopped
from models.turns import has_free_slot
from tasks.dispatch import hint_on_commit
from tasks.errors import ParamsError
from tasks.fields import upload_fields
from tasks.registry import JobKind, find_kind
from tasks.wake import wake_person_on_commit


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field, e.g. ('params.categories.0', 'There is no category …')."""

    field: str
    message: str


class InvalidParamsError(TextbackError):
    """Some of the fields are not right."""

    def __init__(self, errors: list[FieldError]) -> None:
        """Keep every error, so that a form can show all of them at once."""
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = errors


class PhoneNotVerifiedError(TextbackError):
    """A text can only be sent to a verified phone number, and this account has none."""


class TextsStoppedError(TextbackError):
    """This number wants no texts: its person, or its carrier, said so."""


class TextsOffError(TextbackError):
    """This server sends no text messages."""


class SameQuestionError(TextbackError):
    """This person asks the same already, and that job has not ended."""

    def __init__(self, job_id: UUID) -> None:
        """Keep which job it is."""
        super().__init__()
        self.job_id = job_id


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody asks for, as it came in.

    Attributes:
        kind: the kind's name.
        params: checked by the kind's Params.
        source: who asks.
        notify: `sms` for a text to the owner's verified phone.
        locale: the language of the text and of the pages, `en` or `ko`.
        retention_days: how long the answer lives; None for the kind's own or the setting.
        client_context: what is known of the device.
        rerun_of_id: the job that is run again.
        saved_search_id: the saved search that this is a run of.
        idempotency_key: the caller's own word for this request; unique among the owner's jobs.
        request_hash: what came under that key.
        force: begin even if the owner asks the same already.
    """

    kind: str
    params: Mapping[str, Any]
    source: JobSource
    notify: str = "none"
    locale: str = "en"
    retention_days: int | None = None
    client_context: dict[str, Any] | None = None
    rerun_of_id: UUID | None = None
    saved_search_id: UUID | None = None
    idempotency_key: str | None = None
    request_hash: bytes | None = None
    force: bool = True

    @classmethod
    def again(
        cls, job: Job, *, notify: str | None = None, locale: str | None = None, **changes: Any
    ) -> Self:
        """Return what asks the same as a job once more; `changes` are fields of this class."""
        return cls(
            kind=job.kind,
            params=job.params,
            source=JobSource.RERUN,
            notify=notify or job.notify,
            locale=locale or job.locale,
            rerun_of_id=job.id,
            **changes,
        )


def submit(session: Session, settings: Settings, owner_id: UUID, submission: Submission) -> Job:
    """Write the job, its first event and its link in the caller's transaction.

    The hint to a worker goes out when that transaction commits. `session` is the owner's.

    Raises:
        UnknownKindError: names the kinds there are.
        InvalidParamsError: names each field, what is wrong and what would be right.
        PhoneNotVerifiedError: `notify` is sms and there is no verified number.
        TextsOffError: `notify` is sms and no provider is set.
        TextsStoppedError: `notify` is sms and the number wants no texts.
        SameQuestionError: the owner asks the same already, and `force` is not set.
    """
    kind = find_kind(submission.kind)
    params = validate_params(session, kind, submission.params)
    question = question_of(session, kind, params)
    if not submission.force:
        _refuse_same_question(session, owner_id, question)
    if submission.notify == "sms":
        check_can_be_texted(session, settings, owner_id)
    days = submission.retention_days or kind.retention_days or settings.retention_days
    queue = "scheduled" if submission.source is JobSource.SCHEDULE else kind.queue
    # Beyond its person's slots it waits, and gets its turn when another of theirs ends.
    has_turn = has_free_slot(
        session, owner_id, queue=queue, most_running=settings.running_jobs_per_person
    )
    job = Job(
        id=new_id(),
        owner_id=owner_id,
        kind=kind.name,
        queue=queue,
        source=submission.source,
        params=params.model_dump(mode="json"),
        notify=submission.notify,
        locale=submission.locale,
        client_context=submission.client_context,
        rerun_of_id=submission.rerun_of_id,
        saved_search_id=submission.saved_search_id,
        idempotency_key=submission.idempotency_key,
        request_hash=submission.request_hash,
        question_hash=question,
        max_attempts=kind.max_attempts,
        # The first hint goes out with the commit; the sweep waits before it sends another.
        dispatched_at=func.clock_timestamp() if has_turn else None,
        hinted_at=func.clock_timestamp() if has_turn else None,
        expires_at=func.now() + timedelta(days=days),
    )
    session.add(job)
    session.flush()
    session.add(JobEvent(job_id=job.id, owner_id=owner_id, event="enqueued"))
    if submission.notify == "sms":
        ResultLink.create(
            session,
            settings,
            job_id=job.id,
            owner_id=owner_id,
            purpose="text",
            expires_at=job.expires_at,
        )
    for upload in uploads_of(session, params).values():
        if upload is not None:
            upload.keep_until(job.expires_at)
    session.flush()
    wake_person_on_commit(session, owner_id)
    hint_on_commit(session, Turn(job.id, kind.name, queue) if has_turn else None)
    return job


def validate_params(session: Session, kind: JobKind, params: Mapping[str, Any]) -> BaseModel:
    """Return the checked params of a kind.

    Raises:
        InvalidParamsError: with every wrong field, named `params.…`.
    """
    checked = check_fields(kind, params)
    errors = [
        FieldError(f"params.{name}", "There is no upload of yours with this id.")
        for name, upload in uploads_of(session, checked).items()
        if upload is None
    ]
    if kind.check and not errors:
        try:
            kind.check(session, checked)
        except ParamsError as error:
            errors.append(FieldError(f"params.{error.field}", str(error)))
    if errors:
        raise InvalidParamsError(errors)
    return checked


def check_fields(kind: JobKind, params: Mapping[str, Any]) -> BaseModel:
    """Return the params of a kind as far as they can be checked without the database.

    Raises:
        InvalidParamsError: with every wrong field, named `params.…`.
    """
    unknown = [name for name in params if name not in kind.params.model_fields]
    errors = [
        FieldError(
            f"params.{name}",
            f"{kind.name} has no such field; it has {', '.join(kind.params.model_fields)}.",
        )
        for name in unknown
    ]
    known = {name: value for name, value in params.items() if name not in unknown}
    try:
        checked = kind.params.model_validate(known)
    except ValidationError as error:
        raise InvalidParamsError(errors + _field_errors(error, kind.params)) from None
    if errors:
        raise InvalidParamsError(errors)
    return checked


def question_of(session: Session, kind: JobKind, params: BaseModel) -> bytes:
    """Return the hash of a checked question, for `find_same_question`."""
    files = {name: upload.sha256 for name, upload in uploads_of(session, params).items() if upload}
    return question_hash(kind.name, params.model_dump(mode="json"), files)


def question_hash(kind: str, params: Mapping[str, Any], uploads: Mapping[str, bytes]) -> bytes:
    """Return SHA-256 of what somebody asks, the same for any two who ask the same.

    Args:
        kind: the kind's name.
        params: checked and complete, as JSON.
        uploads: SHA-256 of the file behind each param that names one; a file sent twice is the
            same question, though it has two ids.
    """
    asked = {**params, **{name: f"sha256:{digest.hex()}" for name, digest in uploads.items()}}
    text = json.dumps({"kind": kind, "params": asked}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def _refuse_same_question(session: Session, owner_id: UUID, question: bytes) -> None:
    # Of two taps on a button at the same moment the second sees the first's job. Others who ask
    # the same wait for nobody.
    asked = hashlib.sha256(owner_id.bytes + question).digest()
    lock = int.from_bytes(asked[:8], signed=True)
    session.execute(select(func.pg_advisory_xact_lock(lock)))
    running = find_same_question(session, question)
    if running is not None:
        raise SameQuestionError(running)


def uploads_of(session: Session, params: BaseModel) -> dict[str, Upload | None]:
    """Return the upload behind each field; somebody else's looks like one that does not exist.

    They are locked, so that they are there for as long as the caller's transaction.
    """
    given = {name: getattr(params, name) for name in upload_fields(type(params))}
    # Locked, so that nobody deletes it, with another job that was about it, before this one has it.
    return {
        name: session.get(Upload, id_, with_for_update={"key_share": True})
        for name, id_ in given.items()
        if id_ is not None
    }


def check_can_be_texted(session: Session, settings: Settings, owner_id: UUID) -> None:
    """Refuse to promise a text that could not be sent.

    Raises:
        TextsOffError, PhoneNotVerifiedError, TextsStoppedError: says why.
    """
    if settings.sms_provider == "none":
        raise TextsOffError
    user = session.get(User, owner_id)
    if user is None or not user.has_verified_phone:
        raise PhoneNotVerifiedError
    if why_stopped(session, user.phone_hash) is not None:
        raise TextsStoppedError


def _field_errors(error: ValidationError, model: type[BaseModel]) -> list[FieldError]:
    return [
        FieldError(".".join(["params", *where]), words)
        for where, _, words in field_errors(error, model)
    ]
