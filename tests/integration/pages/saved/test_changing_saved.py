"""What is done to a saved search: paused, resumed, changed, deleted, by its person alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from typing import Any

import psycopg
from posting_answers import make_posting
from posting_steps import words
from saved_steps import OWN, end_run, keep, kept, next_times, typed_in

from models import Database

Visit = Callable[..., Any]


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


def test_changed_from_its_page(saved: Any, row: Any) -> None:
    """The form is filled in as it is; what is wrong is said as when it was made."""
    person, saved_id, _ = saved(**OWN, times=["07:15", "19:15"], weekdays=["sat", "sun"])
    page = f"/saved/{saved_id}/edit"
    form = person.get(page).text
    for there in ('value="own" checked', 'value="07:15"', 'value="19:15"', 'value="sat" checked'):
        assert there in form
    assert typed_in(form, "time_zone") == "Seoul"
    assert form.index('id="name"') < form.index('name="when"')
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


def test_changed_times_leave_start_and_end_alone(
    saved: Any, row: Any, owner_connection: psycopg.Connection
) -> None:
    """They are moments by one's own clock, whatever clock the times are by; to the second."""
    person, saved_id, _ = saved(when="suggested")
    starts, ends = datetime(2027, 10, 31, 1, 30, 7, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
    owner_connection.execute(
        "update saved_searches set starts_at = %s, ends_at = %s where id = %s",
        (starts, ends, saved_id),
    )
    page = f"/saved/{saved_id}/edit"
    for times in ({"when": "morning"}, {**OWN, "times": "09:00", "time_zone": "New York"}):
        form = person.get(page).text
        bounds = {name: typed_in(form, name) for name in ("starts_at", "ends_at")}
        assert bounds == {"starts_at": "2027-10-31T10:30", "ends_at": "2029-01-01T09:00"}
        answer = person.press(page, page, **times, **bounds, name="x", missed_hours="6")
        assert answer.status_code == 303
        assert row(saved_id, "starts_at, ends_at") == (starts, ends)
    person.press(page, page, when="morning", name="x", missed_hours="6", ends_at=bounds["ends_at"])
    assert row(saved_id, "starts_at, ends_at") == (None, ends)


def test_where_no_texts_are_sent_what_was_chosen_for_them_stays(
    texted: Visit, saved: Any, row: Any, without_texts: Any
) -> None:
    """The form does not ask for it there."""
    person, saved_id, _ = saved(person=texted(), notify="always")
    page = f"/saved/{saved_id}/edit"
    person.client.application = without_texts
    assert 'name="notify"' not in person.get(page).text
    person.press(page, page, when="morning", name="Changed", missed_hours="6")
    assert row(saved_id, "name, notify") == ("Changed", "always")


def test_one_that_has_ended_can_be_renamed(
    saved: Any, row: Any, owner_connection: psycopg.Connection
) -> None:
    """Its times are over and stay as they are, and nobody complains of them."""
    person, saved_id, _ = saved()
    owner_connection.execute(
        "update saved_searches set cron_lines = array['0 8,20 * * *'], time_zone = 'Asia/Seoul',"
        " ends_at = '2020-01-01', next_slot_at = null where id = %s",
        (saved_id,),
    )
    page = f"/saved/{saved_id}/edit"
    form = person.get(page).text
    sent = person.fields(page, page) | {
        "when": "own", "times": ["08:00", "20:00"], "time_zone": "Seoul",
        "ends_at": typed_in(form, "ends_at"), "name": "Old bakers", "missed_hours": "6",
    }  # fmt: skip
    for answer in (person.get(page), person.post("/saved/preview", **sent)):
        assert answer.status_code == 200 and 'role="alert" tab' not in answer.text
        assert "None is left: it has come to its end." in answer.text
    assert person.post(page, **sent).status_code == 303
    assert row(saved_id, "name, cron_lines") == ("Old bakers", ["0 8,20 * * *"])


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


def test_a_zone_that_is_gone_is_said(
    saved: Any, row: Any, owner_connection: psycopg.Connection
) -> None:
    """From the database of zones: the pages still open, and the times can be chosen anew."""
    person, saved_id, _ = saved()
    owner_connection.execute(
        "update saved_searches set time_zone = 'Moon/Tranquility' where id = %s", (saved_id,)
    )
    assert "Moon/Tranquility" in person.get("/saved").text
    assert "Its times are not understood any more." in person.get(f"/saved/{saved_id}").text
    page = f"/saved/{saved_id}/edit"
    assert "There is no such time zone" in unescape(person.get(page).text)
    here = f"/saved/{saved_id}"
    person.press(here, f"{here}/pause")
    for path in (here, "/saved"):
        answer = person.press(path, f"{here}/resumption")
        assert answer.headers["Location"] == f"{here}?unreadable"
        text = words(person.get(f"{here}?unreadable").text)
        assert "It cannot go on: its times are not understood any more. Change them first" in text
        assert row(saved_id, "pause_reason") == ("person",)
    person.press(page, page, when="morning", name="x", missed_hours="6")
    person.press(here, f"{here}/resumption")
    assert len(next_times(person.get(here).text)) == 5


def test_the_clock_of_a_device_is_offered_where_it_is_another(saved: Any) -> None:
    """With a form that comes back to the page it was on, and to no other site."""
    person, saved_id, _ = saved()
    page = f"/saved/{saved_id}/edit"
    offer = person.get(f"/saved/clock?device=America/New_York&back={page}")
    assert offer.status_code == 200 and f'name="back" value="{page}"' in offer.text
    assert "the clock in New York, the times here by yours: Seoul." in words(offer.text)
    for device in ("Asia/Seoul", "Moon/Tranquility", ""):
        assert person.get(f"/saved/clock?device={device}").status_code == 204
    fields = person.fields(page, page)
    sent = {"csrf_token": fields["csrf_token"], "time_zone": "America/New_York"}
    for back, wanted in (
        (page, page),
        (f"/saved/{saved_id}", f"/saved/{saved_id}"),
        (f"/saved/new?job={saved_id}", f"/saved/new?job={saved_id}"),
        ("https://example.org/saved", "/saved"),
        (f"//example.org/saved/{saved_id}", "/saved"),
        (f"/saved/{saved_id}/deletion", "/saved"),
    ):
        answer = person.post("/account/time-zone", **sent, back=back)
        assert (answer.status_code, answer.headers["Location"]) == (303, wanted)
    text = words(person.get(page).text)
    assert "At 08:00 by your clock (New York)" in text
    stranger = person.client.application.test_client()
    assert stranger.get("/saved/clock?device=America/New_York").status_code == 204
