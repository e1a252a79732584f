"""Saved searches by page: kept fresh, seen, changed, paused, run, deleted; without a script."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID

import psycopg
import pytest
from factories import claim_job, make_job, make_search, read_occurrences
from posting_answers import end_with, make_answer, make_posting

from models import Database, Settings
from models.saved_search import SavedSearch
from tasks.enqueueing import enqueue_due

Visit = Callable[..., Any]
FORM = "/search/posting_search"
OWN = {"when": "own", "time_zone": "Asia/Seoul"}


@pytest.fixture(autouse=True)
def none_saved(owner_connection: psycopg.Connection) -> None:
    """Begin without what others saved."""
    owner_connection.execute("delete from saved_searches")


def words(html: str) -> str:
    """Return a part of a page as it is read."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def next_times(page: str) -> list[str]:
    """Return each of the next times as it is read."""
    listed = re.search(r'<ol class="next-times">(.*?)</ol>', page, re.DOTALL)
    return [] if listed is None else [words(one) for one in listed[1].split("<li>")[1:]]


@pytest.fixture
def owner_of(owner_connection: psycopg.Connection) -> Callable[[UUID], UUID]:
    """Tell whose a job is."""

    def look(job: UUID) -> UUID:
        row = owner_connection.execute("select owner_id from jobs where id = %s", (job,)).fetchone()
        assert row is not None
        return UUID(str(row[0]))

    return look


@pytest.fixture
def searched(visit: Visit, database: Database) -> Callable[..., tuple[Any, UUID]]:
    """Come from Seoul, and have searched for bakers."""

    def come(person: Any = None, zone: str = "Asia/Seoul", **more: Any) -> tuple[Any, UUID]:
        person = person or visit(**more)
        answer = person.press(FORM, FORM, job_title="Baker", location="Seoul")
        job = UUID(answer.headers["Location"].rsplit("/", 1)[1].partition("?")[0])
        end_with(database, job, make_answer(make_posting("Baker"), make_posting("Baker at night")))
        person.press("/account", "/account/time-zone", time_zone=zone)
        return person, job

    return come


def keep(person: Any, job: UUID, **fields: Any) -> Any:
    """Send the form of a saved search as it came, but for these fields."""
    return person.press(f"/saved/new?job={job}", "/saved", **fields)


def kept(answer: Any) -> UUID:
    """Return what was saved."""
    assert answer.status_code == 303, words(answer.text)
    return UUID(answer.headers["Location"].removeprefix("/saved/").partition("?")[0])


@pytest.fixture
def saved(searched: Any, owner_of: Callable[[UUID], UUID]) -> Callable[..., tuple[Any, UUID, UUID]]:
    """Come and keep a search fresh; returns who, what was saved, and their id."""

    def come(**fields: Any) -> tuple[Any, UUID, UUID]:
        person, job = searched()
        return person, kept(keep(person, job, **fields)), owner_of(job)

    return come


@pytest.fixture
def row(owner_connection: psycopg.Connection) -> Callable[..., Any]:
    """Read columns of a saved search from behind the policies."""

    def read(saved_id: UUID, columns: str) -> Any:
        return owner_connection.execute(
            f"select {columns} from saved_searches where id = %s", (saved_id,)
        ).fetchone()

    return read


@pytest.fixture
def come_due(
    database: Database, settings: Settings, owner_connection: psycopg.Connection
) -> Callable[[UUID, UUID], UUID | None]:
    """Let a time of a saved search come, and return the job it became."""

    def come(owner: UUID, saved_id: UUID) -> UUID | None:
        owner_connection.execute(
            "update occurrences set slot_local = slot_local - interval '1 day'"
            " where saved_search_id = %s",
            (saved_id,),
        )
        owner_connection.execute(
            "update saved_searches set cron_lines = '{* * * * *}', next_slot_at = now(),"
            " planned_until = now() - interval '1 minute' where id = %s",
            (saved_id,),
        )
        enqueue_due(database, settings.model_copy(update={"spread_seconds": 0}), seconds=10)
        return read_occurrences(database, owner, saved_id)[-1].job_id

    return come


def test_a_search_is_kept_fresh_by_one_tap(searched: Any, row: Any) -> None:
    """From the page of what has ended: everything is filled in, and sent as it is it is saved.

    Demand: 004-1, 004-36
    """
    person, job = searched()
    page = person.get(f"/jobs/{job}").text
    assert f'href="/saved/new?job={job}"' in page
    form = person.get(f"/saved/new?job={job}").text
    assert "Every day at 08:00, 10:00, 14:00, 16:00, 16:45 and 22:00" in words(form)
    assert "Baker · Seoul" in words(form)
    assert 'name="name" maxlength="100" autocomplete="off" value="Baker' in form
    answer = keep(person, job)
    saved_id = kept(answer)
    assert row(saved_id, "time_zone, notify, missed, missed_limit_seconds, kind") == (
        "Europe/London", "new", "once", 21600, "posting_search",
    )  # fmt: skip
    page = words(person.get(answer.headers["Location"]).text)
    assert "It is kept fresh from now on." in page
    assert "by the clock in London" in page
    assert "None of its times has come yet." in page


def test_the_next_times_are_shown_before_saving(searched: Any) -> None:
    """Five, by the person's clock and by that of the schedule. Demand: 004-36"""
    person, job = searched()
    times = next_times(person.get(f"/saved/new?job={job}").text)
    assert len(times) == 5
    for time in times:
        own, there = re.findall(r"(\d\d:\d\d)", time)
        assert time.endswith("in London")
        assert there in ("08:00", "10:00", "14:00", "16:00", "16:45", "22:00")
        ahead = (int(own[:2]) - int(there[:2])) % 24
        assert ahead in (8, 9)  # hours that Seoul is before London
    page = person.press(f"/saved/new?job={job}", "/saved", when="own", times="25:00").text
    assert next_times(page) == []


@pytest.mark.parametrize(
    ("fields", "lines", "zone", "said"),
    [
        ({"when": "morning"}, ["0 8 * * *"], "Asia/Seoul", "Every day at 08:00"),
        ({"when": "weekdays"}, ["0 8 * * 1-5"], "Asia/Seoul", "Weekdays at 08:00"),
        (
            {**OWN, "times": ["21:30", "", "07:15"], "weekdays": ["sun", "mon"]},
            ["15 7 * * 1,0", "30 21 * * 1,0"],
            "Asia/Seoul",
            "Mondays and Sundays at 07:15 and 21:30",
        ),
        ({**OWN, "times": "09:00", "time_zone": "New York"}, ["0 9 * * *"], "America/New_York",
         "by the clock in New York"),
        ({**OWN, "times": "09:00", "cron": "0 7 1 * *\n 0 7 15 * * "},
         ["0 7 1 * *", "0 7 15 * *"], "Asia/Seoul", "0 7 1 * *"),
        ({**OWN, "times": "09:00", "time_zone": ""}, ["0 9 * * *"], "Asia/Seoul", "Seoul"),
    ],
)  # fmt: skip
def test_each_choice_of_times(
    searched: Any, row: Any, fields: dict[str, Any], lines: list[str], zone: str, said: str
) -> None:
    """What is chosen is what is saved, and what its page says."""
    person, job = searched()
    saved_id = kept(keep(person, job, **fields))
    assert row(saved_id, "cron_lines, time_zone") == (lines, zone)
    page = person.get(f"/saved/{saved_id}").text
    assert said in words(page)
    times = next_times(page)
    assert len(times) == 5 and all(("in " in one) == (zone != "Asia/Seoul") for one in times)


def test_what_few_people_choose_is_kept_too(searched: Any, row: Any) -> None:
    """Name, start and end by the schedule's own clock, overlap, missed times and their limit."""
    person, job = searched()
    year = datetime.now(UTC).year + 1
    saved_id = kept(
        keep(
            person, job, when="suggested", name="Night bakers", starts_at=f"{year}-07-01T00:30",
            ends_at=f"{year}-08-01T12:00", overlap="queue", missed="skip", missed_hours="1.5",
            notify="never",
        )
    )  # fmt: skip
    columns = "name, overlap, missed, missed_limit_seconds, notify, starts_at, ends_at"
    assert row(saved_id, columns) == (
        "Night bakers", "queue", "skip", 5400, "never",
        datetime(year, 6, 30, 23, 30, tzinfo=UTC), datetime(year, 8, 1, 11, 0, tzinfo=UTC),
    )  # fmt: skip
    page = words(person.get(f"/saved/{saved_id}").text)
    assert "1 Jul" in page and "00:30 in London" in page and "Never" in page
    form = person.get(f"/saved/{saved_id}/edit").text
    assert f'value="{year}-07-01T00:30"' in form and 'value="1.5"' in form


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({**OWN, "times": ["08:00", "8 o'clock"]}, "times-1", "Give a time of day, such as 08:00."),
        ({**OWN, "times": ["", ""]}, "times", "Give at least one time."),
        ({**OWN, "times": [f"{hour:02}:00" for hour in range(13)]}, "times", "at most 12 times"),
        ({**OWN, "times": ["08:00", "08:10"]}, "schedule", "Leave 30 minutes at least."),
        ({**OWN, "times": "08:00", "time_zone": "Asia/Seul"}, "time_zone", "e.g. Asia/Seoul"),
        ({**OWN, "cron": "0 8 * * *\n0 25 * * *"}, "cron", "Line 2: "),
        ({"starts_at": "tomorrow"}, "starts_at", "Give a day and a time"),
        ({"ends_at": "2027-02-30T10:00"}, "ends_at", "Give a day and a time"),
        ({"ends_at": "2020-02-03T10:00"}, "ends_at", "With this no time is left."),
        (
            {"starts_at": "2099-02-03T10:00", "ends_at": "2098-02-03T10:00"},
            "ends_at",
            "The end must not be before the start.",
        ),
        ({"missed_hours": "169"}, "missed_hours", "Give hours from 0.1 to 168"),
        ({"missed_hours": "nan"}, "missed_hours", "Give hours from 0.1 to 168"),
        ({"name": "x" * 101}, "name", "At most 100 characters"),
        ({"name": "a\0b"}, "name", "A sign in it cannot be read."),
        ({"notify": "always"}, "notify", "needs a number that is yours"),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    searched: Any, row: Any, fields: dict[str, Any], field: str, said: str
) -> None:
    """Nothing is saved, what was typed is still there, and the field is marked."""
    person, job = searched()
    typed = {"name": "My own bakers", "overlap": "queue", **fields}
    answer = keep(person, job, **typed)
    assert answer.status_code == 422
    problem = re.search(rf'id="{field}-problem">([^<]*)<', answer.text)
    assert problem is not None and said in unescape(problem[1])
    assert f"{field}-problem" in " ".join(re.findall(r'aria-describedby="([^"]*)"', answer.text))
    assert 'name="overlap" value="queue" checked' in answer.text
    if field != "name":
        assert 'value="My own bakers"' in answer.text
    assert "Nothing is saved yet." in person.get("/saved").text


@pytest.mark.parametrize(
    "fields",
    [{"when": "always"}, {"notify": "x"}, {**OWN, "times": "08:00", "weekdays": "monday"},
     {"overlap": "both"}, {"missed": "\0"}],
)  # fmt: skip
def test_what_the_page_does_not_offer_is_refused(searched: Any, fields: dict[str, Any]) -> None:
    """By a form that somebody made themselves."""
    person, job = searched()
    answer = keep(person, job, **fields)
    assert answer.status_code == 422
    assert "Choose one of the list, please." in answer.text


def test_without_a_script_the_times_are_shown_by_a_button(searched: Any) -> None:
    """The whole page again, with all that was typed and the times it means."""
    person, job = searched()
    fields = person.fields(f"/saved/new?job={job}", "/saved")
    answer = person.post(
        "/saved/preview", **fields, when="own", times=["06:10", "18:20"], weekdays="sat",
        time_zone="Australia/Sydney", name="Bakers down under", missed_hours="3",
    )  # fmt: skip
    assert answer.status_code == 200
    assert f'name="job" value="{job}"' in answer.text and fields["idempotency_key"] in answer.text
    for kept_value in ('value="06:10"', 'value="18:20"', "Bakers down under", 'value="sat" checked',
                       'value="Australia/Sydney"', 'value="3"'):  # fmt: skip
        assert kept_value in answer.text
    times = next_times(answer.text)
    assert len(times) == 5 and all("Sydney" in one and "Sat" in one for one in times)
    answer = person.post("/saved/preview", **fields, when="own", times="", missed_hours="3")
    assert answer.status_code == 422 and "Give at least one time." in answer.text


def test_with_a_script_only_the_times_are_answered(searched: Any) -> None:
    """As htmx asks, while somebody chooses; what is wrong is said there as well."""
    person, job = searched()
    fields = person.fields(f"/saved/new?job={job}", "/saved")

    def ask(**more: Any) -> str:
        answer = person.client.post(
            "/saved/preview",
            base_url="http://127.0.0.1:8000",
            data={**fields, "missed_hours": "6", **more},
            headers={"Origin": "http://127.0.0.1:8000", "HX-Request": "true"},
        )
        assert answer.status_code == 200  # others are not put in
        return str(answer.text)

    part = ask(when="morning")
    assert "<html" not in part and len(next_times(part)) == 5
    part = ask(when="own", times="later")
    assert next_times(part) == [] and "Give a time of day, such as 08:00." in part


def test_a_change_of_the_clock_is_told_before_saving(searched: Any) -> None:
    """Whichever day it is, five times a quarter apart reach beyond the next ones. Demand: 004-36"""
    person, job = searched()
    fields = person.fields(f"/saved/new?job={job}", "/saved")
    page = person.post(
        "/saved/preview", **fields, when="own", cron="30 1 1 */3 *", time_zone="Europe/London",
        missed_hours="6",
    ).text  # fmt: skip
    assert len(next_times(page)) == 5
    changes = [words(one) for one in re.findall(r'class="clock-change">(.*?)</p>', page, re.DOTALL)]
    assert any("the clocks in London go forward to 02:00" in one for one in changes)
    assert any("go back to 01:00" in one for one in changes)
    assert "From then on the times are different by your own clock." in changes
    page = person.post("/saved/preview", **fields, when="morning", missed_hours="6").text
    assert "clock-change" not in page  # Seoul's never changes


def test_two_taps_save_one(searched: Any, owner_connection: psycopg.Connection) -> None:
    """Also when the answer to the first got lost; a changed form is another."""
    person, job = searched()
    fields = person.fields(f"/saved/new?job={job}", "/saved")
    first, second = (person.post("/saved", **fields, missed_hours="6") for _ in range(2))
    assert kept(first) == kept(second)
    third = person.post("/saved", **fields, missed_hours="6", name="Another")
    assert kept(third) != kept(first)
    assert owner_connection.execute("select count(*) from saved_searches").fetchone() == (2,)


def test_from_the_newest_search_of_a_kind(searched: Any, row: Any) -> None:
    """`?kind=` is the newest one; without any the form of that kind is shown.

    Demand: 004-1
    """
    person, _ = searched()
    _, newest = searched(person)
    link = "/saved/new?kind=posting_search"
    assert f'href="{link}"' in person.get("/saved").text
    page = person.get(link).text
    assert f'name="job" value="{newest}"' in page
    answer = person.get("/saved/new?kind=count_slowly")
    assert answer.headers["Location"] == "/search/count_slowly"
    assert person.get("/saved/new").status_code == 404
    assert person.get("/saved/new?job=none").status_code == 404


def test_what_has_expired_is_not_kept(searched: Any, owner_connection: psycopg.Connection) -> None:
    """Its page says so, whether it expires before or after the form is opened."""
    person, job = searched()
    fields = person.fields(f"/saved/new?job={job}", "/saved")
    owner_connection.execute("update jobs set expires_at = now() where id = %s", (job,))
    for answer in (person.get(f"/saved/new?job={job}"), person.post("/saved", **fields)):
        assert answer.headers["Location"] == f"/jobs/{job}?gone"
    assert "/saved/new" not in person.get(f"/jobs/{job}").text


def test_more_than_may_be_saved(searched: Any, app: Any) -> None:
    """It says so above the form, and nothing typed is lost."""
    person, job = searched()
    most = 20
    for number in range(most):
        kept(keep(person, job, name=f"number {number}"))
    answer = keep(person, job, name="one too many")
    assert answer.status_code == 422
    assert f"You have {most} saved searches, which is the most." in answer.text
    assert 'value="one too many"' in answer.text


def test_texts_are_promised_to_proven_numbers_only(texted: Visit, searched: Any, row: Any) -> None:
    """None yet: they begin once there is one; with one, it and the limits are named."""
    person, job = searched()
    page = words(person.get(f"/saved/new?job={job}").text)
    assert "Texts begin once there is one" in page
    person, job = searched(texted())
    page = words(person.get(f"/saved/new?job={job}").text)
    assert "three a day at most." in page and "Between 21:00 and 09:00 they wait" in page
    saved_id = kept(keep(person, job, notify="always"))
    assert row(saved_id, "notify") == ("always",)
    person.press("/account", "/account/texts")
    page = words(person.get(f"/saved/new?job={job}").text)
    assert "are stopped, so none is sent." in page
    answer = keep(person, job, notify="always")
    assert answer.status_code == 422 and "Texts to your number are stopped." in answer.text


def test_the_list_says_how_each_is(saved: Any, come_due: Any, database: Database) -> None:
    """Name, what is asked, when, and the last run: set up first, then what is new of all."""
    person, saved_id, owner = saved(name="My bakers")
    card = words(person.get("/saved").text)
    assert "My bakers Active Search job postings · Baker · Seoul" in card
    assert "by the clock in London Next " in card
    assert "None yet: the first one sets up what is known." in card
    postings = [make_posting("One"), make_posting("Two")]
    first = come_due(owner, saved_id)
    end_run(database, first, *postings)
    assert "Set up: 2 found; from now on you hear of what is new" in words(
        person.get("/saved").text
    )
    second = come_due(owner, saved_id)
    end_run(database, second, *postings, make_posting("Three"))
    page = person.get("/saved").text
    assert f'<a href="/jobs/{second}">1 new of 3</a>' in page


def end_run(database: Database, job: UUID, *postings: Any) -> None:
    """End a run as its worker does, with what it has seen."""
    claim = claim_job(database, job)
    answer = make_answer(*postings)
    with database.worker() as session:
        claim.succeed(
            session,
            answer.model_dump(mode="json"),
            result_count=len(postings),
            keys=[str(posting.id) for posting in postings],
        )


def test_nothing_saved_yet(visit: Visit, searched: Any) -> None:
    """It says how to get one, to a stranger too; whoever has searched here is led there."""
    person = visit()
    page = person.get("/saved").text
    assert "choose “Keep this fresh”" in page
    assert 'href="/saved"' not in person.get("/").text
    searched(person)
    assert 'href="/saved">Saved</a>' in person.get("/").text
    assert "저장한 검색이 아직 없어요." in visit("ko").get("/saved").text


def test_the_page_of_a_run_names_its_search(
    saved: Any, come_due: Any, database: Database, work: Any
) -> None:
    """While it waits, as the baseline, and with what is new; a link to share does not name it."""
    person, saved_id, owner = saved(name="My bakers")
    job = come_due(owner, saved_id)
    page = person.get(f"/jobs/{job}").text
    assert f'A run of <a href="/saved/{saved_id}">My bakers</a>' in page
    posting = make_posting("One")
    end_run(database, job, posting)
    page = words(person.get(f"/jobs/{job}").text)
    assert "A run of My bakers Set up: 1 found; from now on you hear of what is new" in page
    assert "Keep this fresh" not in page
    assert "at its time" in words(person.get("/jobs").text)
    second = come_due(owner, saved_id)
    end_run(database, second, posting, make_posting("Two"))
    page = person.get(f"/jobs/{second}").text
    assert "A run of My bakers 1 new of 2" in words(page)
    assert "<title>1 new of 2" in page
    assert "1 new of 2" in words(person.get("/jobs").text)
    person.press(f"/jobs/{second}", f"/jobs/{second}/links")
    link = re.search(r'value="[^"]*(/r/[\w-]+)"', person.get(f"/jobs/{second}").text)
    assert link is not None
    public = person.get(link[1]).text
    assert "My bakers" not in public and "Keep this fresh" not in public


def test_a_run_promises_a_text_only_if_there_is_news(
    texted: Visit, searched: Any, come_due: Any, owner_of: Any
) -> None:
    """Nor that it comes anyway."""
    person, job = searched(texted())
    saved_id = kept(keep(person, job))
    run = come_due(owner_of(job), saved_id)
    page = words(person.get(f"/jobs/{run}").text)
    assert "We text you only if there is something new." in page
    assert "You can close the app" not in page


def test_what_never_texts_promises_nothing(saved: Any, come_due: Any, database: Database) -> None:
    """Of what is new it says that it is marked."""
    person, saved_id, owner = saved(notify="never")
    run = come_due(owner, saved_id)
    assert "We text you" not in person.get(f"/jobs/{run}").text
    end_run(database, run, make_posting("One"))
    assert "from now on what is new is marked" in person.get("/saved").text


def test_paused_and_resumed(saved: Any, row: Any) -> None:
    """From its page and from the list; while it rests it has no next time."""
    person, saved_id, _ = saved()
    page = f"/saved/{saved_id}"
    assert person.press(page, f"{page}/pause").headers["Location"] == page
    assert row(saved_id, "pause_reason") == ("person",)
    text = words(person.get(page).text)
    assert "You paused it." in text and "None while it rests." in text
    assert "Paused" in words(person.get("/saved").text)
    answer = person.press("/saved", f"{page}/resumption")
    assert answer.headers["Location"] == f"/saved#saved-{saved_id}"
    assert row(saved_id, "paused_at, pause_reason") == (None, None)
    person.press("/saved", f"{page}/pause")
    assert person.press(page, f"{page}/resumption").headers["Location"] == f"{page}?resumed"
    assert "It goes on from its next time." in person.get(f"{page}?resumed").text


def test_after_five_failures_it_says_what_to_do(
    saved: Any, come_due: Any, database: Database, row: Any
) -> None:
    """It rests, the list and its page say why, and Resume begins anew."""
    from tasks.sweeps import settle_occurrences

    person, saved_id, owner = saved()
    for _ in range(5):
        claim = claim_job(database, come_due(owner, saved_id))
        with database.worker() as session:
            claim.fail(session, "no_site_answered", "None of the sites answered.")
        settle_occurrences()
    assert row(saved_id, "pause_reason") == ("failures",)
    page = f"/saved/{saved_id}"
    for path in ("/saved", page):
        text = words(person.get(path).text)
        assert "Paused: it failed" in text
        assert "Five runs in a row failed, so it rests until you resume it." in text
    assert "Open the last run to see why" in person.get(page).text
    assert "Not finished" in words(person.get("/saved").text)
    person.press(page, f"{page}/resumption")
    assert row(saved_id, "pause_reason, failures_in_a_row") == (None, 0)


def test_run_now_begins_one_run(saved: Any, row: Any, owner_connection: Any) -> None:
    """Its page is shown; pressed again while it goes on, that one is; paused or not."""
    person, saved_id, _ = saved()
    page = f"/saved/{saved_id}"
    fields = person.fields(page, f"{page}/runs")
    answer = person.post(f"{page}/runs", **fields)
    run = answer.headers["Location"]
    assert answer.status_code == 303 and run.startswith("/jobs/")
    assert person.post(f"{page}/runs", **fields).headers["Location"] == run
    assert person.press(page, f"{page}/runs").headers["Location"] == f"{run}?already"
    made = owner_connection.execute(
        "select source, queue from jobs where saved_search_id = %s", (saved_id,)
    ).fetchall()
    assert made == [("manual", "interactive")]
    assert f'<a href="{run}">Waiting</a>' in person.get(page).text


def test_run_now_of_what_is_not_offered_any_more(saved: Any, owner_connection: Any) -> None:
    """It says so on its page."""
    person, saved_id, _ = saved()
    owner_connection.execute(
        "update saved_searches set kind = 'gone_kind' where id = %s", (saved_id,)
    )
    page = f"/saved/{saved_id}"
    answer = person.press(page, f"{page}/runs")
    assert answer.headers["Location"] == f"{page}?gone"
    assert "It cannot be run again" in person.get(f"{page}?gone").text


def test_what_came_of_its_times_page_by_page(
    searched: Any, owner_of: Any, database: Database, settings: Settings
) -> None:
    """Each with the reason in words, or its run, and how late it was."""
    person, job = searched()
    owner = owner_of(job)
    now = datetime.now(UTC)
    minute = (now - timedelta(minutes=10)).minute
    saved_id = make_search(
        database, settings, owner, kind="posting_search", params={"job_title": "Baker"},
        cron=f"{minute} * * * *", due=now - timedelta(hours=24, minutes=30), overlap="queue",
    )  # fmt: skip
    enqueue_due(database, settings, seconds=10)
    rows = read_occurrences(database, owner, saved_id)
    page = person.get(f"/saved/{saved_id}").text
    assert page.count("Our side was away at that time") == 19
    assert f'<a href="/jobs/{rows[-1].job_id}">Waiting</a>' in page
    assert re.search(r"<small>1\d min late</small>", page)
    older = re.search(r'href="\?before=(\d+)"', page)
    assert older is not None
    page = person.get(f"/saved/{saved_id}?before={older[1]}").text
    assert page.count("Our side was away at that time") == len(rows) - 20
    assert "The latest times" in page and "Last run" not in page
    for odd in ("x", "-3", str(2**70)):
        assert person.get(f"/saved/{saved_id}?before={odd}").status_code == 200
    person.press(f"/jobs/{rows[-1].job_id}", f"/jobs/{rows[-1].job_id}/cancellation")
    assert "Cancelled" in person.get(f"/saved/{saved_id}").text


def test_who_comes_back_is_told_what_was_skipped(
    saved: Any, come_due: Any, owner_connection: psycopg.Connection
) -> None:
    """On the first page, in the list and on its page, until it has run again. Demand: 004-43"""
    person, saved_id, owner = saved()
    for _ in range(2):
        owner_connection.execute(
            "update users set last_seen_at = now() - interval '31 days' where id = %s", (owner,)
        )
        owner_connection.execute(
            "update sessions set last_used_at = now() - interval '31 days' where owner_id = %s",
            (owner,),
        )
        assert come_due(owner, saved_id) is None
    said = "While you were away for over 30 days, 2 runs were skipped. They go on from now on."
    for path in ("/", "/search/posting_search", "/saved", f"/saved/{saved_id}"):
        assert said in words(person.get(path).text), path
    assert "Nobody had been here for 30 days" in person.get(f"/saved/{saved_id}").text
    assert come_due(owner, saved_id) is not None
    for path in ("/", "/saved", f"/saved/{saved_id}"):
        assert "While you were away" not in person.get(path).text


def test_changed_from_its_page(saved: Any, row: Any) -> None:
    """The form is filled in as it is; what is wrong is said as when it was made."""
    person, saved_id, _ = saved(**OWN, times=["07:15", "19:15"], weekdays=["sat", "sun"])
    page = f"/saved/{saved_id}/edit"
    form = person.get(page).text
    for there in ('value="own" checked', 'value="07:15"', 'value="19:15"', 'value="sat" checked',
                  'value="Asia/Seoul"'):  # fmt: skip
        assert there in form
    before = row(saved_id, "planned_until")
    answer = person.press(
        page, page, **OWN, times=["07:15", "19:15"], weekdays=["sat", "sun"], name="Weekend",
        notify="never", missed_hours="12", overlap="skip", missed="once",
    )  # fmt: skip
    assert answer.headers["Location"] == f"/saved/{saved_id}?changed"
    assert "It is changed." in person.get(answer.headers["Location"]).text
    assert row(saved_id, "name, notify, missed_limit_seconds") == ("Weekend", "never", 43200)
    assert row(saved_id, "planned_until") == before  # its times are the same
    person.press(page, page, when="weekdays", name="Weekend", notify="new", missed_hours="12")
    assert row(saved_id, "cron_lines, time_zone") == (["0 8 * * 1-5"], "Asia/Seoul")
    assert 'value="weekdays" checked' in person.get(page).text
    answer = person.press(page, page, when="own", times="noon", name="", missed_hours="12")
    assert answer.status_code == 422
    assert "Give a time of day" in answer.text and "Give it a name" in answer.text
    answer = person.press(page, page, when="morning", name="x", notify="always", missed_hours="12")
    assert answer.status_code == 422 and "needs a number that is yours" in answer.text
    fields = person.fields(page, page)
    preview = person.post("/saved/preview", **fields, when="morning", name="y", missed_hours="1")
    assert f'action="{page}"' in preview.text and 'value="y"' in preview.text


def test_lines_that_are_no_simple_times_are_changed_as_lines(saved: Any) -> None:
    """They stand in their own field, which is open."""
    person, saved_id, _ = saved(**OWN, cron="0 7 1 * *\n0 7 L * *")
    form = person.get(f"/saved/{saved_id}/edit").text
    assert "0 7 1 * *\n0 7 L * *</textarea>" in form


def test_deleted_after_one_more_question(
    saved: Any, come_due: Any, database: Database, row: Any
) -> None:
    """The record of its times goes with it; what its runs found stays."""
    person, saved_id, owner = saved(name="My bakers")
    job = come_due(owner, saved_id)
    end_run(database, job, make_posting("One"))
    page = f"/saved/{saved_id}/deletion"
    assert "Delete this saved search?" in person.get(page).text
    assert row(saved_id, "name") == ("My bakers",)
    assert person.press(page, page).headers["Location"] == "/saved?deleted"
    assert "It is deleted." in person.get("/saved?deleted").text
    assert row(saved_id, "name") is None
    text = words(person.get(f"/jobs/{job}").text)
    assert "1 posting" in text and "A run of" not in text


def test_somebody_elses_is_as_good_as_none(
    saved: Any, searched: Any, row: Any, owner_connection: Any
) -> None:
    """To look at, to change, to run, to pause, to delete, or to keep. Demand: 004-11"""
    person, saved_id, _ = saved()
    other, job = searched()
    own = kept(keep(other, job))
    fields = other.fields(f"/saved/{own}", f"/saved/{own}/runs")
    here = f"/saved/{saved_id}"
    for path in (here, f"{here}/edit", f"{here}/deletion"):
        assert other.get(path).status_code == 404
    for path in ("runs", "pause", "resumption", "edit", "deletion"):
        answer = other.post(f"{here}/{path}", **fields, when="morning", name="x", missed_hours="1")
        assert answer.status_code == 404, path
    assert str(saved_id) not in other.get("/saved").text
    assert row(saved_id, "pause_reason, time_zone") == (None, "Europe/London")
    theirs = owner_connection.execute(
        "select id from jobs where owner_id = (select owner_id from saved_searches where id = %s)",
        (saved_id,),
    ).fetchone()[0]
    assert other.get(f"/saved/new?job={theirs}").status_code == 404
    for path in ("/saved", "/saved/preview"):
        answer = other.post(path, **{**fields, "job": str(theirs)}, missed_hours="6")
        assert answer.status_code in (303, 404)
        assert answer.headers.get("Location", "").endswith("?gone") or answer.status_code == 404
    assert owner_connection.execute("select count(*) from saved_searches").fetchone() == (2,)
    for path in ("/saved/new?kind=posting_search", here):
        assert person.client.application.test_client().get(path).status_code == 404


def test_a_zone_that_is_gone_is_said(saved: Any, owner_connection: psycopg.Connection) -> None:
    """From the database of zones: the pages still open, and the times can be chosen anew."""
    person, saved_id, _ = saved()
    owner_connection.execute(
        "update saved_searches set time_zone = 'Moon/Tranquility' where id = %s", (saved_id,)
    )
    assert "Moon/Tranquility" in person.get("/saved").text
    assert "Its times are not understood any more." in person.get(f"/saved/{saved_id}").text
    page = f"/saved/{saved_id}/edit"
    assert "There is no such time zone" in unescape(person.get(page).text)
    person.press(page, page, when="morning", name="x", missed_hours="6")
    assert len(next_times(person.get(f"/saved/{saved_id}").text)) == 5


def test_any_kind_can_be_kept_fresh(
    visit: Visit, database: Database, settings: Settings, work: Any, owner_of: Any, searched: Any
) -> None:
    """One of another package too; one that failed because of its input is not offered."""
    person, job = searched()
    owner = owner_of(job)
    slow = make_job(database, settings, owner, params={"steps": 1})
    work(slow)
    assert f"/saved/new?job={slow}" in person.get(f"/jobs/{slow}").text
    saved_id = kept(keep(person, slow))
    with database.owner(owner) as session:
        search = session.get_one(SavedSearch, saved_id)
        assert (search.kind, search.params["steps"]) == ("count_slowly", 1)


def test_in_korean(searched: Any) -> None:
    """Times, zone and choices are in the reader's language, and so is what is wrong."""
    person, job = searched(language="ko")
    page = words(person.get(f"/saved/new?job={job}").text)
    assert "매일 08:00, 10:00, 14:00, 16:00, 16:45, 22:00" in page.replace(" 및 ", ", ")
    assert "런던" in page and "서울" in page
    answer = keep(person, job, when="own", cron="0 8 * *", missed_hours="6")
    assert answer.status_code == 422 and "1번째 줄" in answer.text
    answer = keep(person, job, when="own", times="09:00", time_zone="런던", missed_hours="6")
    assert "런던" in person.get(answer.headers["Location"]).text
