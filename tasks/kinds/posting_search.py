"""Find job postings on the sites and feeds this server offers, and keep them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from models.posting_places import country_name
from models.posting_sites import FEED, SITES
from models.posting_words import title_fit, words
from tasks import runtime
from tasks.errors import JobError, ParamsError, ProviderError
from tasks.fetch import FetchError, check_url
from tasks.posting_result import (
    FoundPosting,
    PostingSite,
    Result,
    SiteOutcome,
    found_posting,
    result_of,
)
from tasks.providers.job_board.base import MESSAGES, BoardError, JobBoard, Question
from tasks.registry import JobKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from models.posting import KeptPosting
    from tasks.context import JobContext

MOST_KEPT = 200  # postings of earlier searches that are shown at once
# After this no further site is asked, so that what was found is told before the time is up.
MOST_SECONDS = 480
# Beside the answer so far in a checkpoint: the place of each posting within its site.
_PLACES = "places"

SiteName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32)]


class Params(BaseModel):
    """What job to look for, and where."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    job_title: str = Field(
        min_length=1, max_length=120, title="Job title", description="Such as barista or 간호사."
    )
    location: str = Field(
        "", max_length=120, title="Place", description="A city or a country; empty for anywhere."
    )
    sites: list[SiteName] = Field(
        default_factory=list,
        max_length=len(SITES),
        title="Sites",
        description="Where to look. Empty looks at every site this server offers.",
    )
    distance_km: int | None = Field(
        None,
        ge=1,
        le=200,
        title="Distance",
        description="Kilometres around the place, on sites that know distances.",
    )
    is_remote: bool = Field(
        False, title="Remote only", description="Work that can be done from anywhere."
    )
    job_type: Literal["full_time", "part_time", "contract", "internship"] | None = Field(
        None, title="Job type", description="Full time, part time, contract or internship."
    )
    hours_old: int | None = Field(
        None, ge=1, le=720, title="Posted within", description="Hours since it was posted, at most."
    )
    results_wanted: int = Field(
        25, ge=1, le=100, title="Results", description="How many postings of each site, at most."
    )
    country: str | None = Field(
        None,
        title="Country",
        description="Two letters, such as KR; which of a board's countries to look in.",
    )
    feeds: list[HttpUrl] = Field(
        default_factory=list,
        max_length=5,
        title="Feeds",
        description="Addresses of RSS, Atom or JSON feeds, or of pages with job postings.",
    )

    @field_validator("job_title")
    @classmethod
    def _has_words(cls, title: str) -> str:
        if not words(title):
            raise PydanticCustomError("job_title", "Write what the job is called.")
        return title

    @field_validator("sites")
    @classmethod
    def _without_repeats(cls, sites: list[str]) -> list[str]:
        return list(dict.fromkeys(sites))

    @field_validator("country")
    @classmethod
    def _is_a_country(cls, code: str | None) -> str | None:
        if not code:
            return None
        if len(code) != 2 or country_name(code.upper()) is None:
            raise PydanticCustomError(
                "country", "must be the two letters of a country, such as KR or US"
            )
        return code.upper()

    @field_validator("feeds")
    @classmethod
    def _are_fetchable(cls, feeds: list[HttpUrl]) -> list[HttpUrl]:
        for url in feeds:
            try:
                check_url(str(url))
            except FetchError as error:
                raise PydanticCustomError("feeds", "{reason}", {"reason": error.message}) from error
        return list(dict.fromkeys(feeds))


def run(ctx: JobContext, params: Params) -> Result:
    """Ask each site in turn.

    1. Show what earlier searches of the same sites have kept.
    2. Ask a site, keep what it gives, show it; a site that fails spoils nothing.
    3. Answer with what the sites gave now.

    Raises:
        ProviderError, JobError: no site answered.
    """
    boards = ctx.providers.job_boards.of(params.sites, [str(url) for url in params.feeds])
    question = _question(params)
    gathered = _Gathered(params.job_title, boards, ctx.last_checkpoint)
    ctx.progress(0, total=len(boards), unit="sites", stage="Looking through what is kept")
    limit = min(MOST_KEPT, params.results_wanted * len(boards))
    gathered.remember(ctx.providers.job_boards.kept(question, boards, limit=limit))
    if gathered.knows_any:
        ctx.partial(gathered.with_known())
    began = time.monotonic()
    for done, board in enumerate(boards):
        if gathered.has_asked(board):
            continue
        ctx.progress(done, total=len(boards), stage=board.stage)
        try:
            if time.monotonic() - began > MOST_SECONDS:
                raise BoardError("skipped", MESSAGES["no_time"], permanent=True)  # noqa: TRY301
            gathered.add(board, board.search(question, ctx))
        except BoardError as error:
            gathered.add(board, error.found, error)
        ctx.checkpoint(gathered.state())
        ctx.partial(gathered.with_known())
    if gathered.is_failure:
        ctx.checkpoint(gathered.state(to_try_again=True))
        raise gathered.failure()
    if gathered.has_any:
        return gathered.result()
    return gathered.result(like_place=ctx.providers.job_boards.like_place(question, boards))


class _Gathered:
    """What the sites gave so far, each posting once.

    One order over all sites: how well the title fits, then the place within its site.
    """

    def __init__(
        self, job_title: str, boards: Sequence[JobBoard], checkpoint: dict[str, Any] | None
    ) -> None:
        self._job_title = job_title
        self._labels = {board.site: board.label for board in boards}
        self._outcomes: dict[str, SiteOutcome] = {}
        self._postings: dict[UUID, FoundPosting] = {}
        self._places: dict[UUID, tuple[int, int]] = {}
        self._known: list[FoundPosting] = []
        self._errors: dict[str, BoardError] = {}
        if checkpoint is not None:
            before = Result.model_validate(checkpoint)
            self._outcomes = {outcome.site: outcome for outcome in before.sites}
            places = checkpoint.get(_PLACES, {})
            for rank, posting in enumerate(before.postings):
                self._postings[posting.id] = posting
                place, site = places.get(str(posting.id), (rank, -1))
                self._places[posting.id] = (place, site)

    @property
    def is_failure(self) -> bool:
        """Whether no site answered."""
        return not self._postings and not any(
            outcome.status == "ok" for outcome in self._outcomes.values()
        )

    @property
    def has_any(self) -> bool:
        """Whether a site gave something."""
        return bool(self._postings)

    @property
    def knows_any(self) -> bool:
        """Whether there is something to look at."""
        return bool(self._known or self._postings)

    def has_asked(self, board: JobBoard) -> bool:
        return board.site in self._outcomes

    def remember(self, kept: Sequence[KeptPosting]) -> None:
        known = [found_posting(one, self._labels) for one in kept]
        self._known = sorted(known, key=self._fit)

    def add(
        self, board: JobBoard, kept: Sequence[KeptPosting], error: BoardError | None = None
    ) -> None:
        for place, one in enumerate(kept):
            posting = found_posting(one, self._labels)
            before = self._postings.get(posting.id)
            # Where another site has it too, its first telling stays.
            if before is not None:
                posting = before.model_copy(update={"sites": _joined(before.sites, posting.sites)})
            self._postings[posting.id] = posting
            spot = (place, len(self._outcomes))
            self._places[posting.id] = min(self._places.get(posting.id, spot), spot)
        self._outcomes[board.site] = SiteOutcome(
            site=board.site,
            label=board.label,
            status="ok" if error is None else error.status,
            count=len(kept),
            message=None if error is None else str(error),
        )
        if error is not None:
            self._errors[board.site] = error

    def result(self, *, like_place: str | None = None) -> Result:
        return result_of(self._ordered(), list(self._outcomes.values()), like_place=like_place)

    def with_known(self) -> Result:
        """Return what there is to look at now: what was found, then what was known before."""
        new = [one for one in self._known if one.id not in self._postings]
        return result_of(
            [*self._ordered(), *new],
            list(self._outcomes.values()),
            known=not self._postings,
        )

    def state(self, *, to_try_again: bool = False) -> dict[str, Any]:
        """Return what a later attempt goes on from.

        Args:
            to_try_again: leave out the sites that may answer then.
        """
        kept = [
            outcome
            for outcome in self._outcomes.values()
            if not to_try_again or self._is_final(outcome.site)
        ]
        result = result_of(self._ordered(), kept)
        places = {str(posting): place for posting, place in self._places.items()}
        return {**result.model_dump(mode="json"), _PLACES: places}

    def failure(self) -> JobError | ProviderError:
        """Return why there is no answer: the site's own sentence, or one about all of them."""
        sentences = {outcome.message for outcome in self._outcomes.values()}
        sentence = sentences.pop() if len(self._outcomes) == 1 else None
        sentence = sentence or "None of the sites answered."
        if all(self._is_final(site) for site in self._outcomes):
            return JobError("no_site_answered", sentence)
        return ProviderError(sentence, permanent=False, code="no_site_answered")

    def _is_final(self, site: str) -> bool:
        error = self._errors.get(site)
        return error is None or error.permanent

    def _ordered(self) -> list[FoundPosting]:
        return sorted(
            self._postings.values(),
            key=lambda posting: (self._fit(posting), *self._places[posting.id]),
        )

    def _fit(self, posting: FoundPosting) -> int:
        return title_fit(self._job_title, posting.title)


def _joined(one: list[PostingSite], other: list[PostingSite]) -> list[PostingSite]:
    return list({site.site: site for site in (*one, *other)}.values())


def _question(params: Params) -> Question:
    return Question(
        job_title=params.job_title,
        location=params.location,
        distance_km=params.distance_km,
        is_remote=params.is_remote,
        job_type=params.job_type,
        hours_old=params.hours_old,
        results_wanted=params.results_wanted,
        country=params.country,
    )


def check(_session: Session, params: Params) -> None:
    """Refuse at submit a site that this server does not offer.

    Raises:
        ParamsError: names those it does.
    """
    offered = runtime.settings().offered_sites
    may_ask = {*offered, FEED} if params.feeds else {*offered}
    for site in params.sites:
        if site not in may_ask:
            raise ParamsError(
                "sites", f"This server does not offer {site!r}. It offers: {', '.join(offered)}."
            )


def about(params: Params, _result: Result | None, _locale: str) -> str:
    """Return the job title and the place, in few words: `Barista, Seoul`."""
    place = params.location.split(",")[0].split()
    title = params.job_title.split()
    if not place:
        return " ".join(title[:3])
    return f"{' '.join(title[:2])}, {place[0]}"


KIND = JobKind(
    name="posting_search",
    title="Search job postings",
    description="Say what job you look for and see postings of several sites, each once.",
    params=Params,
    result=Result,
    run=run,
    check=check,
    count=lambda result: len(result.postings),
    keys=lambda result: [str(posting.id) for posting in result.postings],
    is_whole=lambda result: all(site.status == "ok" for site in result.sites),
    about=about,
    queue="interactive",
    time_limit_seconds=900,
    max_attempts=3,
)
