"""The shapes of the API's JSON, as its documentation shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from models import JobSource, JobStatus, NotificationStatus
from tasks.texts import LOCALES

ODD_TEXT = "holds a NUL or half a character; send text without them"
MAX_PAGE = 100
MAX_WAIT_SECONDS = 30


def is_odd_text(text: str) -> bool:
    """Whether Postgres refuses to store or compare this text."""
    return "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text)


def _even(text: str) -> str:
    if is_odd_text(text):
        raise PydanticCustomError("odd_text", ODD_TEXT)
    return text


Text = Annotated[str, AfterValidator(_even)]


class JobRequest(BaseModel):
    """What somebody asks for."""

    model_config = ConfigDict(extra="forbid")

    kind: Text = Field(description="A name from `GET /api/v1/kinds`.", max_length=100)
    params: dict[str, Any] = Field(
        default_factory=dict, description="What the kind works on; its JSON Schema is in `/kinds`."
    )
    notify: Literal["none", "sms"] = Field(
        "none", description="`sms`: one text to your verified phone when the job has ended."
    )
    locale: Literal["en", "ko"] | None = Field(
        None, description="The language of the text and its page; yours unless given."
    )
    retention_days: int | None = Field(
        None, ge=1, le=365, description="How long the result and its link live."
    )
    client_context: dict[str, Any] | None = Field(
        None, description="Whatever you want to keep about the device that asked."
    )
    force: bool = Field(
        False,
        description="Begin anew even if a job of yours with the same kind and params is queued or "
        "running.",
    )


class RerunRequest(BaseModel):
    """What is to be different this time."""

    model_config = ConfigDict(extra="forbid")

    notify: Literal["none", "sms"] | None = Field(
        None, description="`sms` for a text at the end, `none` for none; as before unless given."
    )
    locale: Literal["en", "ko"] | None = Field(
        None, description="The language of the text and its page; as before unless given."
    )
    retention_days: int | None = Field(
        None,
        ge=1,
        le=365,
        description="How long the result lives; what the kind says unless given.",
    )
    force: bool = Field(
        False, description="Begin even if the same question is queued or running already."
    )


assert LOCALES == ("en", "ko"), "JobRequest.locale names the languages there are"  # noqa: S101


class JobError(BaseModel):
    """Why a job failed."""

    code: str = Field(description="For programs; never changes.")
    message: str = Field(description="One sentence for people.")


class JobNotification(BaseModel):
    """What became of the text message."""

    status: NotificationStatus
    code: str | None = Field(description="Why none arrived: the carrier's code, or a word of ours.")
    message: str = Field(description="The same for people, in the job's language.")
    at: datetime = Field(description="When it was sent, else when this was last news.")
    delivered_at: datetime | None = Field(description="When the carrier reported its arrival.")


class JobLinks(BaseModel):
    """Where to go from here; relative to this server."""

    self: str = Field(description="The job.")
    events: str = Field(description="Its changes, as server-sent events.")
    result: str = Field(description="Its result, once it has ended.")
    timeline: str = Field(description="What happened to it, in words.")
    page: str = Field(description="Its page for people.")


class Job(BaseModel):
    """One request and its state."""

    id: UUID
    kind: str
    source: JobSource = Field(description="What asked for it.")
    status: JobStatus
    progress: int = Field(ge=0, le=100, description="Percent.")
    progress_done: int | None
    progress_total: int | None
    progress_unit: str | None = Field(description="What is counted, such as `pages`.")
    stage: str | None = Field(description="What is being done, in words.")
    eta_seconds: int | None = Field(
        description="Seconds until it ends: what the kind itself says, or what is learnt from past "
        "jobs of this kind. Null where nothing is known."
    )
    eta_low: int | None = Field(description="Seconds; it rarely ends sooner. Null where unknown.")
    eta_high: int | None = Field(description="Seconds; it rarely ends later. Null where unknown.")
    eta_learning: bool = Field(
        description="Whether too few jobs of this kind have ended for a range."
    )
    attempt: int = Field(description="Which attempt this is; 0 before the first.")
    max_attempts: int
    params: dict[str, Any]
    result_count: int | None = Field(description="How many things the result holds.")
    partial: bool = Field(description="Whether the result is only a part.")
    rerun_of_id: UUID | None
    saved_search_id: UUID | None = Field(description="The saved search that this is a run of.")
    new_count: int | None = Field(
        description="How many things in the result no saved search of yours had found before; null "
        "where nothing is compared, as in the first run of a saved search."
    )
    cancel_requested_at: datetime | None = Field(
        description="When its stop was asked for; a running job ends seconds later."
    )
    queue_position: int | None = Field(
        description="1 is next; null once it runs, and while it waits for its next attempt."
    )
    notification: JobNotification | None
    error: JobError | None
    links: JobLinks
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime = Field(description="When the result and its link end.")
    expired: bool = Field(description="Whether they have ended.")
    version: int = Field(description="Rises with each visible change.")


class JobAlreadyRunning(Job):
    """A job of yours that asks the same and has not ended; nothing new was begun."""

    already_running: Literal[True] = Field(description="Send `force: true` to begin another.")


class TimelineEvent(BaseModel):
    """One thing that happened."""

    at: datetime
    event: str = Field(
        description="For programs: `enqueued`, `claimed`, `retry`, `rescued`, `handed_back`, "
        "`cancel_requested`, `succeeded`, `failed` or `cancelled`; there may be more one day."
    )
    attempt: int | None = Field(description="Which attempt it was about.")
    text: str = Field(description="One sentence for people.")


class Timeline(BaseModel):
    """What happened to a job, oldest first."""

    events: list[TimelineEvent]


class JobList(BaseModel):
    """One page of jobs, newest first."""

    jobs: list[Job]
    next: str | None = Field(description="The address of the next page, or null at the end.")


class Upload(BaseModel):
    """A file that a job may name."""

    id: UUID
    media_type: str = Field(description="By the content, whatever it was called.")
    size_bytes: int
    sha256: str = Field(description="In hex.")
    width: int | None = Field(description="Pixels.")
    height: int | None = Field(description="Pixels.")
    created_at: datetime


class Kind(BaseModel):
    """A kind of job."""

    name: str
    title: str
    description: str
    queue: str
    retention_days: int = Field(description="How long a result lives unless a job says otherwise.")
    max_attempts: int
    time_limit_seconds: int = Field(description="After this an attempt is stopped.")
    upload_fields: list[str] = Field(
        description="Params that take the id of an upload, or a file part of the same name."
    )
    params_schema: dict[str, Any] = Field(description="JSON Schema of `params`.")
    result_schema: dict[str, Any] = Field(description="JSON Schema of the result.")


class KindList(BaseModel):
    """All kinds of job."""

    kinds: list[Kind]


class FieldProblem(BaseModel):
    """One field that is not right."""

    field: str = Field(description="Its path, such as `params.limit`.")
    message: str = Field(description="What is wrong, and what would be right.")


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="Where it is explained.")
    title: str
    status: int
    detail: str = Field(description="One sentence for people.")
    code: str = Field(description="For programs; never changes.")
    errors: list[FieldProblem] = Field(default_factory=list)


class JobPath(BaseModel):
    """Which job."""

    job_id: UUID


class KeyHeader(BaseModel):
    """How to say that a request is the same one again."""

    idempotency_key: str | None = Field(
        None,
        alias="Idempotency-Key",
        description="Your own word for this request: 1 to 255 visible ASCII characters, such as a "
        "UUID. Sent again within seven days with the same body it answers with the same job, "
        "so a request whose answer got lost can be repeated.",
        json_schema_extra={"minLength": 1, "maxLength": 255, "pattern": "^[!-~]*$"},
    )


class JobQuery(BaseModel):
    """How long to wait."""

    model_config = ConfigDict(extra="forbid")

    wait: float = Field(
        0,
        ge=0,
        le=MAX_WAIT_SECONDS,
        description="Seconds to wait for a change since If-None-Match, or without that header for "
        "the job's end.",
    )


class JobListQuery(BaseModel):
    """Which jobs."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(20, ge=1, le=MAX_PAGE)
    cursor: Text | None = Field(None, description="From `next` of the page before.", max_length=200)
    kind: Text | None = Field(None, max_length=100)
    status: JobStatus | None = None
    source: JobSource | None = None


class UploadForm(BaseModel):
    """A file."""

    file: bytes = Field(json_schema_extra={"format": "binary"})


class PhoneVerificationRequest(BaseModel):
    """Which phone."""

    model_config = ConfigDict(extra="forbid")

    phone: Text = Field(
        max_length=40, description="A mobile number; with +, or as it is dialled in `country`."
    )
    country: str | None = Field(
        None,
        pattern="^[A-Z]{2}$",
        description="ISO code of the country the number is dialled in, e.g. KR.",
    )
    locale: Literal["en", "ko"] | None = Field(None, description="The language of the text.")


class PhoneVerificationPath(BaseModel):
    """Which proof."""

    verification_id: UUID


class CodeAttempt(BaseModel):
    """What was typed."""

    model_config = ConfigDict(extra="forbid")

    code: Text = Field(max_length=20, description="The six digits of the text.")


class PhoneVerification(BaseModel):
    """A phone that is being proven."""

    id: UUID
    phone: str = Field(description="Its last digits.")
    country: str
    status: Literal["waiting", "verified"]
    expires_at: datetime


class Account(BaseModel):
    """Whose token this is."""

    id: UUID
    role: Literal["person", "operator"]
    locale: str
    time_zone: str = Field(description="IANA name; UTC until it is known.")
    phone: AccountPhone | None = Field(description="The verified number; null for none.")
    created_at: datetime


class AccountPhone(BaseModel):
    """A verified number, as far as it is shown."""

    masked: str
    country: str
    verified_at: datetime
    texts_stopped: bool = Field(description="Whether its person wants no texts.")


class TokenRequest(BaseModel):
    """A token to be made."""

    model_config = ConfigDict(extra="forbid")

    name: Text = Field(min_length=1, max_length=100, description="What it is for.")


class Token(BaseModel):
    """A program's key, without its secret."""

    id: UUID
    name: str
    made_by_id: UUID | None = Field(
        description="The token that made it, and with which it is revoked."
    )
    created_at: datetime
    last_used_at: datetime | None = Field(description="To the minute.")


class NewToken(Token):
    """A token with its secret, which is shown this once."""

    secret: str


class TokenList(BaseModel):
    """Your tokens, newest first."""

    tokens: list[Token]


class TokenPath(BaseModel):
    """Which token."""

    token_id: UUID


class Session(BaseModel):
    """A signed-in browser."""

    id: UUID
    device: str | None = Field(description="Browser and system, as far as they are known.")
    created_at: datetime
    last_used_at: datetime = Field(description="To the minute.")


class SessionList(BaseModel):
    """Your browsers, the last used first."""

    sessions: list[Session]


class SessionPath(BaseModel):
    """Which browser."""

    session_id: UUID


class Export(BaseModel):
    """Everything about you; columns come and go with releases."""

    account: dict[str, Any]
    sessions: list[dict[str, Any]]
    tokens: list[dict[str, Any]]
    codes: list[dict[str, Any]]
    uploads: list[dict[str, Any]]
    jobs: list[dict[str, Any]]
    saved_searches: list[dict[str, Any]]
