"""Searches on boards by python-jobspy's own code, which speaks to a stand-in on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis
from cast import Person
from factories import make_job, read_job
from processes import wait_for
from standins.job_boards import JobBoardsStandIn, indeed_job, linkedin_card

from models import Database, Job, Settings
from models.cancellation import request_cancel
from tasks import runner
from tasks.errors import JobFailedError
from tasks.posting_result import MOST_BYTES, Result
from tasks.providers.job_board import jobspy

Run = Callable[..., Job]


@pytest.fixture
def boards(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, owner_connection: psycopg.Connection
) -> Iterator[JobBoardsStandIn]:
    """Both boards, of which no search has asked anything yet."""
    owner_connection.execute("delete from postings where site in ('indeed', 'linkedin')")
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        for key in client.scan_iter("textback:pace:*"):
            client.delete(key)
    boards = JobBoardsStandIn()
    boards.point_to(monkeypatch)
    yield boards
    boards.close()


@pytest.fixture
def offering(settings: Settings) -> Settings:
    """A server that offers both boards, and need not wait between two searches of one."""
    return settings.model_copy(
        update={"posting_sites": "indeed,linkedin", "posting_site_interval_seconds": 0.0}
    )


@pytest.fixture
def submit(database: Database, settings: Settings, person_a: Person) -> Callable[..., UUID]:
    def make(**params: Any) -> UUID:
        asked = {"job_title": "developer", "location": "Seoul", **params}
        return make_job(database, settings, person_a.id, kind="posting_search", params=asked)

    return make


@pytest.fixture
def attempt(database: Database, offering: Settings, person_a: Person) -> Callable[[UUID], Job]:
    """Do the next attempt of a job here and now, as a worker would, and return its row."""

    def run(job_id: UUID) -> Job:
        with suppress(JobFailedError):
            runner.run(job_id, worker="a worker", database=database, settings=offering)
        return read_job(database, person_a.id, job_id)

    return run


@pytest.fixture
def search(submit: Callable[..., UUID], attempt: Callable[[UUID], Job]) -> Run:
    return lambda **params: attempt(submit(**params))


def outcomes(job: Job) -> dict[str, tuple[str, int, str | None]]:
    result = Result.model_validate(job.result)
    return {site.site: (site.status, site.count, site.message) for site in result.sites}


def test_both_boards_are_asked_what_the_person_asked(boards: JobBoardsStandIn, search: Run) -> None:
    boards.indeed.jobs = [indeed_job(pay=(40, 50, "HOUR", "USD"))]
    boards.linkedin.jobs = [linkedin_card(title="Frontend developer", company="Otterlea Labs")]
    job = search(distance_km=40, hours_old=24, job_type="full_time")
    assert job.status == "succeeded"
    assert outcomes(job) == {"indeed": ("ok", 1, None), "linkedin": ("ok", 1, None)}
    (asked,) = boards.indeed.asked
    for part in ('what: \\"developer\\"', 'where: \\"Seoul\\", radius: 25', 'start: \\"24h\\"'):
        assert part in asked
    (path,) = boards.linkedin.asked
    assert "keywords=developer&location=Seoul&distance=25&f_TPR=r86400" in path
    first, second = Result.model_validate(job.result).postings
    assert (first.title, first.company) == ("Backend developer", "Larkfield Works")
    assert (first.location, first.country) == ("Seoul, South Korea", "KR")
    assert first.description == "Flask & Celery"
    assert first.salary is not None
    assert (first.salary.interval, first.salary.min, first.salary.yearly_max) == (
        "hour", 40, 104_000,
    )  # fmt: skip
    assert [one.label for one in second.sites] == ["LinkedIn"]
    assert str(second.posted_on) == "2026-11-20"


def test_one_that_fails_one_that_refuses_and_one_that_breaks_spoil_nothing(
    boards: JobBoardsStandIn, search: Run
) -> None:
    """Each site's outcome is told by itself, and what the other gave is the answer."""
    boards.linkedin.jobs = [linkedin_card()]
    for status, expected in ((500, "no_answer"), (403, "refused")):
        boards.indeed.status = status
        job = search()
        assert (job.status, job.result_count) == ("succeeded", 1)
        assert outcomes(job) == {
            "indeed": ("failed", 0, jobspy.MESSAGES[expected]),
            "linkedin": ("ok", 1, None),
        }
    boards.indeed.status, boards.indeed.body = 200, '{"data": {"jobSearch": 17}}'
    assert outcomes(search())["indeed"][0] == "failed"
    boards.indeed.body = '{"errors": ["no"]}'
    assert outcomes(search())["indeed"][0] == "failed"


def test_one_that_asks_to_slow_down_is_left_alone(boards: JobBoardsStandIn, search: Run) -> None:
    """By this search and the next ones, whichever worker does them."""
    boards.indeed.jobs = [indeed_job()]
    boards.linkedin.status = 429
    first, second = outcomes(search()), outcomes(search())
    assert first["linkedin"] == ("throttled", 0, jobspy.MESSAGES["throttled"])
    assert second["linkedin"] == ("skipped", 0, jobspy.MESSAGES["cooling"])
    assert first["indeed"] == second["indeed"] == ("ok", 1, None)
    assert len(boards.linkedin.asked) == 1


def test_pages_before_the_one_that_was_refused_are_kept(
    boards: JobBoardsStandIn, search: Run
) -> None:
    boards.linkedin.jobs = [
        linkedin_card(number=number, title=f"Developer {number}") for number in range(10)
    ]
    boards.linkedin.then = 429
    job = search(sites=[], results_wanted=25)
    assert outcomes(job)["linkedin"] == ("throttled", 10, jobspy.MESSAGES["throttled"])
    assert job.result_count == 10


def test_odd_values_spoil_nothing(boards: JobBoardsStandIn, search: Run) -> None:
    """NaN, NUL, lone surrogates, signs that turn the writing round, and HTML that is none."""
    boards.indeed.jobs = [
        indeed_job(
            key="odd",
            title="개발자\0 \ud800\u202e\ufffe😀  developer",
            company="Ｌａｒｋ\0field",
            pay=(float("nan"), 70_000, "YEAR", "USD"),
            html="<p>a\0\udfff<script>alert(1)</script>&lt;b&gt;</p><ul><li>one<li>two</ul>",
        ),
        indeed_job(key="none", title="Other developer", company=None, city=None, html=None),
        indeed_job(key="nan", company=float("nan")),
        indeed_job(key="pay", title="Third developer", pay=(5, float("inf"), "DAY", "dollars")),
    ]
    boards.linkedin.jobs = [linkedin_card(title="<b>\0 developer", day="yesterday", location="…")]
    job = search()
    assert job.status == "succeeded"
    by_title = {one.title: one for one in Result.model_validate(job.result).postings}
    odd = by_title["개발자 😀 developer"]
    assert odd.description == "a<b>\n\n- one\n- two"
    assert odd.company == "Ｌａｒｋfield"
    assert odd.salary is not None
    assert (odd.salary.min, odd.salary.max) == (None, 70_000)
    assert by_title["Other developer"].company is None
    pay = by_title["Third developer"].salary
    assert pay is not None
    assert (pay.min, pay.max, pay.currency) == (5, None, None)
    assert by_title["<b> developer"].posted_on is None
    json.dumps(job.result, allow_nan=False)


def test_the_same_posting_on_two_boards_is_one(boards: JobBoardsStandIn, search: Run) -> None:
    """And is the same one in the next search, though its address and spelling have changed."""
    boards.indeed.jobs = [indeed_job(title="Backend Developer (m/w/d)", company="Larkfield Ltd.")]
    boards.linkedin.jobs = [linkedin_card(title="Backend developer", company="Larkfield")]
    (one,) = Result.model_validate(search().result).postings
    assert [site.site for site in one.sites] == ["indeed", "linkedin"]
    boards.indeed.jobs = [indeed_job(key="k9", title="Backend Developer", company="LARKFIELD LLC")]
    (again,) = Result.model_validate(search(sites=[]).result).postings
    assert (again.id, again.first_seen_at) == (one.id, one.first_seen_at)


def test_what_is_kept_is_shown_while_the_boards_are_asked(
    boards: JobBoardsStandIn,
    search: Run,
    submit: Callable[..., UUID],
    attempt: Callable[[UUID], Job],
    database: Database,
    person_a: Person,
) -> None:
    """The page opens with what is there already, then with each site's; a stop keeps all of it."""
    boards.indeed.jobs = [indeed_job()]
    boards.linkedin.jobs = [linkedin_card(title="Old developer", company="Otterlea Labs")]
    assert search().result_count == 2
    boards.linkedin.jobs = []
    boards.indeed.gate.clear()
    boards.linkedin.gate.clear()
    job_id = submit()
    working = threading.Thread(target=attempt, args=(job_id,))
    working.start()

    def look(until: Callable[[Job], bool]) -> Callable[[], Job | None]:
        def find() -> Job | None:
            job = read_job(database, person_a.id, job_id)
            return job if until(job) else None

        return find

    job = wait_for(look(lambda job: job.result is not None), 20, "what is kept")
    known = Result.model_validate(job.result)
    assert known.known
    assert {one.title for one in known.postings} == {"Backend developer", "Old developer"}
    assert known.sites == []
    assert wait_for(look(lambda job: job.stage == "Searching Indeed"), 20, "its stage")
    boards.indeed.gate.set()
    job = wait_for(look(lambda job: len((job.result or {}).get("sites", [])) == 1), 20, "Indeed's")
    so_far = Result.model_validate(job.result)
    assert (so_far.known, [one.site for one in so_far.sites]) == (False, ["indeed"])
    assert [one.title for one in so_far.postings] == ["Backend developer", "Old developer"]
    assert wait_for(look(lambda job: job.stage == "Searching LinkedIn"), 20, "the next stage")
    with database.owner(person_a.id) as session:
        request_cancel(session, job_id)
    working.join(20)
    job = read_job(database, person_a.id, job_id)
    assert (job.status, job.result_count) == ("cancelled", 2)
    boards.linkedin.gate.set()


def test_one_that_takes_too_long_is_given_up(
    boards: JobBoardsStandIn, search: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    boards.indeed.gate.clear()
    boards.linkedin.jobs = [linkedin_card()]
    monkeypatch.setattr(jobspy.JobspyBoard.__init__, "__kwdefaults__", {"most_seconds": 3})
    began = time.monotonic()
    job = search()
    assert time.monotonic() - began < 10
    assert (job.status, job.result_count) == ("succeeded", 1)
    assert outcomes(job)["indeed"] == ("failed", 0, jobspy.MESSAGES["too_slow"])


def test_when_no_site_answers_the_job_is_tried_again_and_then_fails(
    boards: JobBoardsStandIn,
    submit: Callable[..., UUID],
    attempt: Callable[[UUID], Job],
    owner_connection: psycopg.Connection,
) -> None:
    """Demand: 004-32"""
    boards.indeed.status = boards.linkedin.status = 500
    job_id = submit()
    job = attempt(job_id)
    assert (job.status, job.attempt) == ("queued", 1)
    for _ in range(2):
        owner_connection.execute("update jobs set not_before = now() where id = %s", (job_id,))
        job = attempt(job_id)
    assert (job.status, job.error_code) == ("failed", "no_site_answered")
    assert job.error_message == "None of the sites answered."
    assert len(boards.indeed.asked) == len(boards.linkedin.asked) == 3


def test_a_retry_does_not_ask_a_site_that_has_answered(
    boards: JobBoardsStandIn,
    submit: Callable[..., UUID],
    attempt: Callable[[UUID], Job],
    owner_connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The attempt breaks between the sites; the next goes on with the second."""
    boards.indeed.jobs = [indeed_job()]
    boards.linkedin.jobs = [linkedin_card(company="Otterlea Labs")]
    ask = jobspy.JobspyBoard.search

    def break_at_linkedin(self: jobspy.JobspyBoard, *given: Any) -> Any:
        if self.site == "linkedin":
            raise RuntimeError
        return ask(self, *given)

    job_id = submit()
    with monkeypatch.context() as broken:
        broken.setattr(jobspy.JobspyBoard, "search", break_at_linkedin)
        assert attempt(job_id).status == "queued"
    owner_connection.execute("update jobs set not_before = now() where id = %s", (job_id,))
    job = attempt(job_id)
    assert (job.status, job.attempt, job.result_count) == ("succeeded", 2, 2)
    assert outcomes(job) == {"indeed": ("ok", 1, None), "linkedin": ("ok", 1, None)}
    assert len(boards.indeed.asked) == 1


def test_a_country_a_board_does_not_know_is_told(boards: JobBoardsStandIn, search: Run) -> None:
    job = search(country="MN")
    assert (job.status, job.error_code) == ("failed", "no_site_answered")
    assert boards.indeed.asked == []


def test_a_large_answer_is_made_to_fit(boards: JobBoardsStandIn, search: Run) -> None:
    boards.indeed.jobs = [
        indeed_job(key=f"k{number}", title=f"개발자 developer {number}", html="가" * 50_000)
        for number in range(100)
    ]
    boards.linkedin.jobs = []
    job = search(results_wanted=100)
    assert job.result_count == 100
    size = len(json.dumps(job.result, ensure_ascii=False).encode())
    assert size < MOST_BYTES * 1.05
    first = Result.model_validate(job.result).postings[0]
    assert len(first.description) > 100
    assert first.description.endswith("…")


def test_nothing_that_was_asked_is_logged(
    boards: JobBoardsStandIn, search: Run, caplog: pytest.LogCaptureFixture
) -> None:
    boards.indeed.status = 500
    boards.linkedin.body = "no list"
    with caplog.at_level("INFO"):
        search(job_title="very private developer", location="Hidden Valley, US")
    assert "private" not in caplog.text
    assert "Hidden" not in caplog.text
