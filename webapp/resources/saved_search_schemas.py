"""The shapes of saved searches, their schedules and slots, as the documentation shows them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from models.cron import CronLineError, cron_line, tidy
from models.occurrence import Skip
from models.saved_search import PauseReason, Telling
from models.schedule import ScheduleError, check_order, check_zone
from models.simple_schedule import simple_lines
from tasks.registry import kinds
from tasks.saved_searches import MOST_NAME
from tasks.submission import InvalidParamsError, check_fields
from webapp.resources.schemas import MAX_PAGE, JobLinks, Text

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MOST_MISSED_SECONDS = 7 * 86400


@contextmanager
def _told() -> Iterator[None]:
    """Let pydantic tell, beside all else that is wrong, what a part of a schedule is not."""
    try:
        yield
    except (ScheduleError, CronLineError) as error:
        raise PydanticCustomError("schedule", "{message}", {"message": str(error)}) from None


def _time(typed: str) -> str:
    with _told():
        simple_lines([typed])
    return typed


def _line(typed: str) -> str:
    with _told():
        cron_line(tidy(typed))
    return typed


def _zone(typed: str) -> str:
    with _told():
        check_zone(typed)
    return typed


TimeOfDay = Annotated[Text, AfterValidator(_time)]
CronLine = Annotated[Text, AfterValidator(_line)]
ZoneName = Annotated[Text, Field(max_length=64), AfterValidator(_zone)]


class ScheduleRequest(BaseModel):
    """When it runs: simple times, or cron lines; neither for the times this server suggests."""

    model_config = ConfigDict(extra="forbid")

    times: list[TimeOfDay] | None = Field(
        None, min_length=1, max_length=12, description="Times of day there, such as `08:00`."
    )
    weekdays: list[Weekday] | None = Field(
        None, max_length=7, description="With `times`: only on these days; every day unless given."
    )
    cron: list[CronLine] | None = Field(
        None,
        min_length=1,
        max_length=12,
        description="Instead of `times`: lines of five fields, such as `30 7 * * 1-5`.",
    )
    time_zone: ZoneName | None = Field(
        None, description="IANA name, such as Asia/Seoul; yours unless given."
    )
    starts_at: AwareDatetime | None = Field(None, description="No slot before this.")
    ends_at: AwareDatetime | None = Field(None, description="No slot after this.")

    @field_validator("ends_at")
    @classmethod
    def _after_the_start(cls, ends_at: datetime | None, info: ValidationInfo) -> datetime | None:
        with _told():
            check_order(info.data.get("starts_at"), ends_at)
        return ends_at


class SavedSearchRequest(BaseModel):
    """What is to be kept: the question of a job of yours, or one written out."""

    model_config = ConfigDict(extra="forbid")

    job_id: UUID | None = Field(None, description="Keep what this job of yours asked.")
    kind: Text | None = Field(
        None,
        max_length=100,
        description="A name from `GET /api/v1/kinds`. Without `params`: what your newest job of "
        "this kind asked.",
    )
    params: dict[str, Any] | None = Field(None, description="What the kind works on.")

    @field_validator("params")
    @classmethod
    def _fit_the_kind(
        cls, params: dict[str, Any] | None, info: ValidationInfo
    ) -> dict[str, Any] | None:
        """Refuse wrong ones together with all else; the database is asked later."""
        kind = kinds().get(info.data.get("kind") or "")
        if kind is None or params is None:
            return params
        try:
            check_fields(kind, params)
        except InvalidParamsError as refused:
            raise ValidationError.from_exception_data(
                "params",
                [
                    InitErrorDetails(
                        type=PydanticCustomError("params", "{message}", {"message": one.message}),
                        loc=tuple(one.field.split(".")[1:]),
                        input=None,
                    )
                    for one in refused.errors
                ],
            ) from None
        return params

    name: Text | None = Field(
        None,
        min_length=1,
        max_length=MOST_NAME,
        description="What you call it; made up unless given.",
    )
    schedule: ScheduleRequest = Field(default_factory=ScheduleRequest)
    notify: Telling = Field(
        Telling.NEW,
        description="When a run sends a text: always, only when there is something new, or never.",
    )
    overlap: Literal["skip", "queue"] = Field(
        "skip", description="What becomes of a slot while the run before it goes on."
    )
    missed: Literal["skip", "once"] = Field(
        "once", description="What becomes of slots nobody was there for: nothing, or one run."
    )
    missed_limit_seconds: int = Field(
        6 * 3600,
        ge=300,
        le=MOST_MISSED_SECONDS,
        description="How old the newest missed slot may be for that.",
    )
    locale: Literal["en", "ko"] | None = Field(
        None, description="The language of its texts; yours unless given."
    )


class SavedSearchChange(BaseModel):
    """What is to be different; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: Text | None = Field(None, min_length=1, max_length=MOST_NAME)
    schedule: ScheduleRequest | None = None
    notify: Telling | None = None
    overlap: Literal["skip", "queue"] | None = None
    missed: Literal["skip", "once"] | None = None
    missed_limit_seconds: int | None = Field(None, ge=300, le=MOST_MISSED_SECONDS)
    locale: Literal["en", "ko"] | None = None


class NextSlot(BaseModel):
    """A time to come."""

    local: str = Field(description="By the clock of the zone, such as `2026-03-29T01:30`.")
    at: datetime
    cron_line: str = Field(description="The line of the schedule that names it.")
    shift: Literal["skipped", "repeated"] | None = Field(
        description="`skipped`: the clock leaps over this time, and it runs at the leap. "
        "`repeated`: the clock shows it twice, and it runs the first time."
    )


class ScheduleJson(BaseModel):
    """When it runs."""

    cron: list[str]
    times: list[str] | None = Field(
        description="The same as simple times, where it is that simple."
    )
    weekdays: list[Weekday] | None
    time_zone: str
    starts_at: datetime | None
    ends_at: datetime | None


class SavedSearchPause(BaseModel):
    """That it rests."""

    since: datetime
    reason: PauseReason = Field(
        description="`person`: you paused it. `failures`: five runs in a row failed."
    )


class SavedSearchLinks(BaseModel):
    """Where to go from here."""

    self: str
    occurrences: str = Field(description="What came of its slots.")
    page: str = Field(description="Its page for people.")


class SavedSearch(BaseModel):
    """A search that is run again and again."""

    id: UUID
    name: str
    kind: str
    params: dict[str, Any]
    schedule: ScheduleJson
    next_slots: list[NextSlot] = Field(description="The next five; none while it rests.")
    notify: Telling
    overlap: Literal["skip", "queue"]
    missed: Literal["skip", "once"]
    missed_limit_seconds: int
    locale: str
    paused: SavedSearchPause | None
    failures_in_a_row: int
    baseline_at: datetime | None = Field(
        description="When its first run ended well. Only what comes after that is new."
    )
    links: SavedSearchLinks
    created_at: datetime
    updated_at: datetime


class SavedSearchList(BaseModel):
    """Your saved searches, newest first."""

    saved_searches: list[SavedSearch]


class SavedSearchPath(BaseModel):
    """Which saved search."""

    saved_search_id: UUID


class OccurrenceJson(BaseModel):
    """A slot that has come."""

    local: str
    cron_line: str
    due_at: datetime
    decided_at: datetime = Field(description="When it was dealt with.")
    late_seconds: float = Field(description="How long after its moment that was.")
    job_id: UUID | None = Field(description="The job it became; null if none, or if it is deleted.")
    links: JobLinks | None = Field(description="Of that job.")
    skipped: Skip | None = Field(description="Why it became none.")


class OccurrenceList(BaseModel):
    """One page of slots, newest first."""

    occurrences: list[OccurrenceJson]
    next: str | None = Field(description="The address of the next page, or null at the end.")


class OccurrenceQuery(BaseModel):
    """Which slots."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(20, ge=1, le=MAX_PAGE)
    before: int | None = Field(None, ge=1, le=2**62, description="From `next` of the page before.")


class ClockChangeJson(BaseModel):
    """A clock that is put forward or back."""

    at: datetime
    minutes: int = Field(description="How far: forward above 0, back below.")


class SchedulePreview(BaseModel):
    """What a schedule means."""

    schedule: ScheduleJson
    next_slots: list[NextSlot] = Field(description="The next five.")
    clock_changes: list[ClockChangeJson] = Field(
        description="Changes of that zone's clock between now, or its start, and the last of them."
    )


class CronRun(BaseModel):
    """What one call did."""

    due: int = Field(description="Saved searches that were due.")
    enqueued: int = Field(description="Jobs that came of it.")
    skipped: int = Field(description="Slots that became none.")
    done: bool = Field(description="Whether nothing was left to do; if not, call again.")
