"""What pages say of the runs of a saved search, and of times that became none."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from factories import claim_job, make_search, read_occurrences
from posting_answers import make_posting
from posting_steps import words
from saved_steps import end_run, keep, kept

from models import Database, Settings
from tasks.enqueueing import enqueue_due

Visit = Callable[..., Any]


def test_the_list_says_how_each_is(
    texted: Visit, saved: Any, come_due: Any, database: Database
) -> None:
    """Name, what is asked, when, and the last run: set up first, then what is new of all."""
    person, saved_id, owner = saved(person=texted(), name="My bakers")
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
    assert "A run of My bakers Set up: 1 found; from now on what is new is marked" in page
    assert "Keep this fresh" not in page and "Kept fresh as" not in page
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


def test_what_never_texts_promises_nothing(
    texted: Visit, saved: Any, come_due: Any, database: Database
) -> None:
    """Of what is new it says that it is marked."""
    person, saved_id, owner = saved(person=texted(), notify="never")
    run = come_due(owner, saved_id)
    assert "We text you" not in person.get(f"/jobs/{run}").text
    end_run(database, run, make_posting("One"))
    page = f"/saved/{saved_id}"
    for path in ("/saved", page, f"/jobs/{run}"):
        assert "from now on what is new is marked" in person.get(path).text
    assert "/account#texts" not in person.get(page).text


def test_nobody_hears_of_it_without_a_number_that_takes_texts(
    texted: Visit, saved: Any, come_due: Any, database: Database, without_texts: Any
) -> None:
    """None yet, a stopped one, or a server that sends none: what is new is marked, and that is
    what is said; where something can be done about it, the account is named.
    """
    marked, heard = "what is new is marked", "you hear of what is new"
    person, saved_id, owner = saved()
    run = come_due(owner, saved_id)
    end_run(database, run, make_posting("One"))
    page = f"/saved/{saved_id}"
    for path in ("/saved", page, f"/jobs/{run}"):
        text = person.get(path).text
        assert marked in text and heard not in text
    text = person.get(page).text
    assert "There is no number of yours yet, so what is new is marked here." in words(text)
    assert 'href="/account#texts"' in text
    person.client.application = without_texts
    text = person.get(page).text
    assert marked in text and heard not in text and "/account#texts" not in text

    person, saved_id, owner = saved(person=texted())
    page = f"/saved/{saved_id}"
    end_run(database, come_due(owner, saved_id), make_posting("One"))
    assert heard in person.get(page).text and "/account#texts" not in person.get(page).text
    person.press("/account", "/account/texts")
    text = person.get(page).text
    assert marked in text and heard not in text and "are stopped, so none is sent." in words(text)
    assert 'href="/account#texts"' in text


def test_set_up_is_said_of_a_whole_run(saved: Any, come_due: Any, database: Database) -> None:
    """Until all sites have answered once, nothing is promised of what comes later."""
    person, saved_id, owner = saved()
    page, posting = f"/saved/{saved_id}", make_posting("One")
    part = come_due(owner, saved_id)
    end_run(database, part, posting, is_whole=False)
    text = person.get(page).text
    assert "Not all sites answered, so a later run sets up what is known" in text
    assert "from now on" not in words(text)
    whole = come_due(owner, saved_id)
    end_run(database, whole, posting)
    text = person.get(page).text
    assert f'<a href="/jobs/{part}">Not all sites answered</a>' in text
    assert f'<a href="/jobs/{whole}">Set up: 1 found; from now on what is new is marked</a>' in text


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
    text = person.get(page).text
    assert "Open the last run to see why" in text
    # All of that is in the part that an open page asks for anew.
    anew = text.partition('id="now-and-then"')[2]
    assert "Paused: it failed" in anew and f'action="{page}/resumption"' in anew
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


def history(page: str) -> list[str]:
    """Return each row of what came of a search, as it is read."""
    rows = re.search(r'<ol class="slots">(.*?)</ol>', page, re.DOTALL)
    return [] if rows is None else [words(row) for row in rows[1].split("<li>")[1:]]


def test_runs_by_hand_are_among_what_came_of_it(
    saved: Any, come_due: Any, database: Database
) -> None:
    """In their order with those at its times, marked; nothing is said twice."""
    person, saved_id, owner = saved()
    page = f"/saved/{saved_id}"
    postings = [make_posting("One"), make_posting("Two"), make_posting("Three")]

    def run_by_hand(*found: Any) -> None:
        run = person.press(page, f"{page}/runs").headers["Location"].removeprefix("/jobs/")
        end_run(database, UUID(run), *found)

    run_by_hand(postings[0])
    end_run(database, come_due(owner, saved_id), *postings[:2])
    run_by_hand(*postings)
    text = person.get(page).text
    newest, middle, first = history(text)
    assert newest.endswith("1 new of 3 run by hand")
    assert middle.endswith("1 new of 2")
    assert first.endswith("from now on what is new is marked run by hand")
    for said in ("1 new of 3", "1 new of 2", "Set up: 1 found"):
        assert words(text).count(said) == 1
    person.language = "ko"
    assert history(person.get(page).text)[0].endswith("3건 중 새 결과 1건 직접 실행")


def test_runs_by_hand_are_paged_with_the_others(
    saved: Any, owner_connection: psycopg.Connection, come_due: Any, database: Database
) -> None:
    """Each once, however many there are; the newest run is named where its row is pages away."""
    person, saved_id, owner = saved()
    page = f"/saved/{saved_id}"
    for _ in range(12):
        run = person.press(page, f"{page}/runs").headers["Location"].removeprefix("/jobs/")
        end_run(database, UUID(run))
        end_run(database, come_due(owner, saved_id))
    seen: list[str] = []
    address: str | None = page
    while address:
        text = person.get(address).text
        links = re.findall(r'/jobs/([\w-]{36})"', text.partition('class="slots"')[2])
        assert len(links) <= 20
        seen += links
        further = re.search(r'href="(\?[^"]+)">Earlier times', text)
        address = page + further[1].replace("&amp;", "&") if further else None
    rows = owner_connection.execute(
        "select id::text from jobs where saved_search_id = %s order by id desc", (saved_id,)
    ).fetchall()
    assert seen == [row[0] for row in rows] and len(seen) == 24
    owner_connection.execute(
        "insert into occurrences"
        " (saved_search_id, owner_id, slot_local, cron_line, due_at, skipped)"
        " select %s, %s, '2020-01-01'::timestamp + n * interval '1 day', '* * * * *', now(),"
        " 'missed' from generate_series(1, 20) as n",
        (saved_id, owner),
    )
    text = person.get(page).text
    assert len(history(text)) == 20 and "Last run: Nothing new" in words(text)
