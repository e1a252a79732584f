"""The kind posting_search over the sample corpus: what it refuses, finds and keeps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cast import Person
from factories import make_job, read_job
from processes import Processes

from models import Database, Job, Settings
from models.posting_store import PostingQuestion, find_postings
from tasks import about, runner
from tasks.errors import JobFailedError
from tasks.kinds.posting_search import KIND, Params
from tasks.posting_result import Result
from tasks.providers.job_board.sample_load import load_sample_postings
from tasks.submission import InvalidParamsError

SAMPLE_SIZE = 508


@pytest.fixture(autouse=True, scope="module")
def corpus(database: Database) -> None:
    load_sample_postings(database)


@pytest.fixture
def submit(database: Database, settings: Settings, person_a: Person) -> Callable[..., UUID]:
    def make(**params: Any) -> UUID:
        return make_job(database, settings, person_a.id, kind="posting_search", params=params)

    return make


@pytest.fixture
def search(
    database: Database, settings: Settings, person_a: Person, submit: Callable[..., UUID]
) -> Callable[..., Job]:
    """Submit a search, do it here and now as a worker would, and return its row."""

    def run(**params: Any) -> Job:
        job_id = submit(**params)
        with suppress(JobFailedError):
            runner.run(job_id, worker="a worker", database=database, settings=settings)
        return read_job(database, person_a.id, job_id)

    return run


def titles(job: Job) -> list[str]:
    return [posting.title for posting in Result.model_validate(job.result).postings]


def test_a_job_title_and_a_place_become_postings(search: Callable[..., Job]) -> None:
    """From the params to the stored result, with what became of the site beside it.

    Demand: 004-13, 004-16
    """
    job = search(job_title="개발자", location="서울")
    assert (job.status, job.progress) == ("succeeded", 100)
    assert job.started_at is not None
    assert job.finished_at is not None
    assert job.started_at <= job.finished_at
    result = Result.model_validate(job.result)
    assert job.result_count == len(result.postings) == 4
    assert all("개발" in posting.title for posting in result.postings)
    assert all("서울" in (posting.location or "") for posting in result.postings)
    (site,) = result.sites
    assert (site.site, site.status, site.count, site.message) == ("sample", "ok", 4, None)
    assert result.source.name == "Sample postings"
    assert result.source.note == "Sample data: made-up postings, no real jobs"
    assert result.known is False
    first = result.postings[0]
    assert first.title == "백엔드 개발자 (Python)"
    assert first.salary is not None
    assert (first.salary.yearly_min, first.salary.currency) == (52_000_000, "KRW")
    assert [one.label for one in first.sites] == ["Sample postings"]
    assert KIND.keys is not None
    assert KIND.keys(result) == [str(posting.id) for posting in result.postings]


# What is asked, and where; titles that come among the first, and what those have in common.
KOREAN = [
    ("간호사", "", ["병동 간호사", "중환자실 간호사", "방문 간호사"], "간호"),
    ("간호", "부산", ["응급실 간호사 (야간 전담)"], "간호"),
    (
        "백엔드개발자",
        "",
        ["백엔드 개발자 (Python)", "시니어 백엔드 개발자 (Java·Spring)"],
        "백엔드",
    ),
    ("웹 개발자", "제주", ["웹개발자 신입 채용"], "개발"),
    ("바리스타", "제주", ["바리스타"], "바리스타"),
    ("바리스터", "", ["바리스타", "바리스타 (주말 아르바이트)"], "바리스타"),
    ("회계", "서울특별시", ["회계 담당자", "공인회계사"], "회계"),
    ("디자이너", "Seoul", ["UX/UI 디자이너", "그래픽 디자이너"], "디자이너"),
    ("물류 관리자", "인천, 대한민국", ["물류센터 관리자"], "물류"),
    ("강사", "대구", ["고등 국어 강사"], "강사"),
]


@pytest.mark.parametrize(("asked", "place", "wanted", "common"), KOREAN)
def test_korean_queries_find_what_a_reader_would(
    search: Callable[..., Job], asked: str, place: str, wanted: list[str], common: str
) -> None:
    """Written together or apart, in part, mistyped, with the place in English or at length."""
    found = titles(search(job_title=asked, location=place))
    assert set(wanted) <= set(found[: len(wanted) + 2])
    assert all(common in title for title in found[: len(wanted)])


def test_english_queries_forgive_typing_errors(search: Callable[..., Job]) -> None:
    found = titles(search(job_title="sofware developr"))
    assert "Software developer" in found
    assert all("software developer" in title.lower() for title in found)


def test_what_is_asked_narrows_the_answer(search: Callable[..., Job]) -> None:
    remote = Result.model_validate(search(job_title="개발", is_remote=True).result)
    teachers = Result.model_validate(search(job_title="강사", job_type="part_time").result)
    recent = Result.model_validate(search(job_title="개발자", hours_old=24).result)
    few = Result.model_validate(search(job_title="engineer", results_wanted=3, country="KR").result)
    assert all(posting.is_remote for posting in remote.postings)
    assert {posting.job_type for posting in teachers.postings} == {"part_time"}
    yesterday = (datetime.now(UTC) - timedelta(hours=24)).date()
    assert recent.postings
    assert all(one.posted_on and one.posted_on >= yesterday for one in recent.postings)
    assert len(few.postings) == few.sites[0].count == 3
    assert {posting.country for posting in few.postings} == {"KR"}


def test_a_search_without_an_answer_succeeds_with_none(search: Callable[..., Job]) -> None:
    job = search(job_title="그런 직업은 없음", location="Ulaanbaatar")
    assert (job.status, job.result_count) == ("succeeded", 0)


@pytest.mark.parametrize(
    ("title", "asked", "meant"),
    [
        ("interior designr", "Lodnon", "London"),
        ("간호사", "부싼", "부산"),
        ("software developer", "New Yrok", "New York"),
    ],
)
def test_where_nothing_is_a_place_of_nearly_that_name_is_told(
    search: Callable[..., Job], title: str, asked: str, meant: str
) -> None:
    """Told and no more: whether it was a slip only the person knows."""
    job = search(job_title=title, location=asked)
    assert (job.result_count, Result.model_validate(job.result).like_place) == (0, meant)
    right = Result.model_validate(search(job_title=title, location=meant).result)
    assert right.postings and right.like_place is None


@pytest.mark.parametrize("place", ["Ulaanbaatar", "Atlantis", "London Atlantis", "Bxn"])
def test_a_place_that_resembles_none_has_none(search: Callable[..., Job], place: str) -> None:
    job = search(job_title="developer", location=place)
    assert (job.result_count, Result.model_validate(job.result).like_place) == (0, None)


def test_a_place_that_is_known_is_no_slip(search: Callable[..., Job]) -> None:
    """Nobody wants such a person there; that is the answer."""
    job = search(job_title="바리스타", location="Edinburgh")
    assert (job.result_count, Result.model_validate(job.result).like_place) == (0, None)


def test_a_title_that_is_not_wanted_there_either_leads_nowhere(search: Callable[..., Job]) -> None:
    job = search(job_title="그런 직업은 없음", location="Lodnon")
    assert (job.result_count, Result.model_validate(job.result).like_place) == (0, None)


def test_a_worker_process_does_it(
    processes: Processes, submit: Callable[..., UUID], ended: Callable[..., Job]
) -> None:
    processes.start("worker")
    job = ended(submit(job_title="간호사", location="서울"))
    assert (job.status, titles(job)[0]) == ("succeeded", "병동 간호사")


def test_loading_the_sample_again_changes_nothing(database: Database, owner_connection) -> None:  # type: ignore[no-untyped-def]
    versions = "select id, xmin::text from postings where site = 'sample' order by id"
    load_sample_postings(database)
    before = owner_connection.execute(versions).fetchall()
    assert load_sample_postings(database) == len(before) == SAMPLE_SIZE
    assert owner_connection.execute(versions).fetchall() == before


def test_sample_postings_stay_as_old_as_they_are(database: Database, owner_connection) -> None:  # type: ignore[no-untyped-def]
    """Loaded long ago, they are still found as fresh."""
    owner_connection.execute(
        "update postings set first_seen_at = now() - interval '1 year',"
        " last_seen_at = now() - interval '1 year' where site = 'sample'"
    )
    with database.worker() as session:
        asked = PostingQuestion("백엔드 개발자", ["sample"], hours_old=24)
        found = find_postings(session, asked, limit=10)
    assert "백엔드 개발자 (Python)" in [one.told.title for one in found]


@pytest.mark.parametrize(
    ("params", "field", "sentence"),
    [
        ({}, "params.job_title", "is required"),
        ({"job_title": " "}, "params.job_title", "at least 1"),
        ({"job_title": "?!"}, "params.job_title", "Write what the job is called."),
        ({"job_title": "x" * 121}, "params.job_title", "at most 120"),
        (
            {"job_title": "nurse", "sites": ["indeed"]},
            "params.sites",
            "This server does not offer 'indeed'. It offers: sample.",
        ),
        ({"job_title": "nurse", "sites": ["feed"]}, "params.sites", "does not offer 'feed'"),
        ({"job_title": "nurse", "sites": "sample"}, "params.sites", "must be a list"),
        ({"job_title": "nurse", "distance_km": 201}, "params.distance_km", "1 to 200"),
        ({"job_title": "nurse", "hours_old": 0}, "params.hours_old", "1 to 720"),
        ({"job_title": "nurse", "results_wanted": 101}, "params.results_wanted", "1 to 100"),
        ({"job_title": "nurse", "job_type": "gig"}, "params.job_type", "'full_time'"),
        ({"job_title": "nurse", "country": "Korea"}, "params.country", "two letters"),
        ({"job_title": "nurse", "country": "QQ"}, "params.country", "two letters"),
        (
            {"job_title": "nurse", "feeds": ["http://169.254.169.254/feed"]},
            "params.feeds",
            "The address does not lead to the public internet.",
        ),
        (
            {"job_title": "nurse", "feeds": [f"https://example.com/{n}" for n in range(6)]},
            "params.feeds",
            "at most 5",
        ),
        ({"job_title": "nurse", "salary": 1}, "params.salary", "no such field"),
    ],
)
def test_wrong_params_are_refused_by_name(
    submit: Callable[..., UUID], params: dict[str, Any], field: str, sentence: str
) -> None:
    with pytest.raises(InvalidParamsError) as refused:
        submit(**params)
    (error,) = refused.value.errors
    assert error.field == field
    assert sentence in error.message


@pytest.mark.parametrize(
    ("title", "place", "words"),
    [
        ("Barista", "Seoul", "Barista, Seoul"),
        ("백엔드 개발자", "서울 강남구", "백엔드 개발자, 서울"),
        ("Senior software developer", "", "Senior software developer"),
    ],
)
def test_a_text_names_the_job_and_the_place(
    search: Callable[..., Job], title: str, place: str, words: str
) -> None:
    assert about.about(search(job_title=title, location=place)) == words


def test_form_has_words_for_every_field() -> None:
    schema = Params.model_json_schema()
    for name, field in schema["properties"].items():
        assert field.get("title"), name
        assert field.get("description"), name
    assert KIND.description.endswith(".")
