"""Saved searches by programs: made, read, changed, paused, run, deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from api_client import Api
from factories import claim_job, just_now, make_search, read_occurrences

from models import Database, SavedSearch, Settings
from tasks.enqueueing import enqueue_due

MORNING = {"times": ["08:00", "16:45"], "weekdays": ["mon", "fri"], "time_zone": "Asia/Seoul"}


def save(api: Api, **more: Any) -> dict[str, Any]:
    """Save a search and return its JSON."""
    body = {"kind": "count_slowly", "params": {"steps": 2}, "schedule": MORNING, **more}
    answer = api.post("saved-searches", json=body)
    assert answer.status_code == 201, answer.text
    saved: dict[str, Any] = answer.get_json()
    assert answer.headers["Location"] == saved["links"]["self"]
    return saved


def test_a_saved_search_tells_its_next_times(a: Api) -> None:
    """Times by the clock of its zone, the same as moments, and the words it was made of."""
    saved = save(a, name="Mornings")
    assert (saved["name"], saved["kind"], saved["params"]["steps"]) == (
        "Mornings", "count_slowly", 2,
    )  # fmt: skip
    assert saved["schedule"] == {
        "cron": ["0 8 * * 1,5", "45 16 * * 1,5"],
        "times": ["08:00", "16:45"],
        "weekdays": ["mon", "fri"],
        "time_zone": "Asia/Seoul",
        "starts_at": None,
        "ends_at": None,
    }
    assert len(saved["next_slots"]) == 5
    for slot in saved["next_slots"]:
        local = datetime.fromisoformat(slot["local"])
        assert local.weekday() in (0, 4) and local.strftime("%H:%M") in ("08:00", "16:45")
        assert datetime.fromisoformat(slot["at"]) == (local - timedelta(hours=9)).replace(
            tzinfo=UTC
        )
    assert a.get(saved["links"]["self"]).get_json() == saved
    assert a.get("saved-searches").get_json() == {"saved_searches": [saved]}
    assert (saved["notify"], saved["overlap"], saved["missed"]) == ("new", "skip", "once")


def test_without_times_it_runs_at_those_the_server_suggests(a: Api) -> None:
    """Six times a day by London's clock, unless the setting says otherwise. Demand: 004-36"""
    saved = save(a, schedule={})
    assert saved["schedule"]["times"] == ["08:00", "10:00", "14:00", "16:00", "16:45", "22:00"]
    assert saved["schedule"]["time_zone"] == "Europe/London"


def test_a_search_is_kept_from_a_job_or_from_the_newest_of_a_kind(a: Api, b: Api) -> None:
    """One tap on what was found, or the criteria somebody used last. Demand: 004-1"""
    first = a.submit(params={"steps": 4})
    newest = a.submit(params={"steps": 5})
    by_job = a.post("saved-searches", json={"job_id": first["id"]}).get_json()
    by_kind = a.post("saved-searches", json={"kind": "count_slowly"}).get_json()
    assert (by_job["params"], by_kind["params"]) == (first["params"], newest["params"])
    assert b.post("saved-searches", json={"job_id": first["id"]}).status_code == 404
    refused = b.post("saved-searches", json={"kind": "count_slowly"})
    assert [error["field"] for error in refused.get_json()["errors"]] == ["params"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (
            {
                "schedule": {
                    "cron": ["61 19 * * *", "0 8 * * *", "@daily"],
                    "time_zone": "Korea",
                    "starts_at": "2030-01-02T00:00:00Z",
                    "ends_at": "2030-01-01T00:00:00Z",
                },
                "params": {"steps": 0, "surprise": 1},
                "missed_limit_seconds": 1,
            },
            {
                *("schedule.cron.0", "schedule.cron.2", "schedule.time_zone", "schedule.ends_at"),
                *("params.steps", "params.surprise", "missed_limit_seconds"),
            },
        ),
        (
            {"schedule": {"times": ["8", "08:00", "25:00"], "time_zone": "X", "weekdays": ["x"]}},
            {
                *("schedule.times.0", "schedule.times.2"),
                *("schedule.time_zone", "schedule.weekdays.0"),
            },
        ),
    ],
)
def test_all_that_is_not_right_is_named_at_once(
    a: Api, body: dict[str, Any], fields: set[str]
) -> None:
    """However deep it is, with what would be right."""
    asked = {"kind": "count_slowly", "params": {}, **body}
    refused = a.post("saved-searches", json=asked).get_json()["errors"]
    assert {error["field"] for error in refused} == fields
    told = {error["field"]: error["message"] for error in refused}
    assert told.get("schedule.cron.0", "its first field").count("its first field") == 1
    assert told.get("params.steps", "1 to").count("1 to") == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"schedule": {"times": ["25:00"]}}, "schedule.times.0"),
        ({"schedule": {"times": ["08:00", "08:10"]}}, "schedule"),
        ({"schedule": {"cron": ["*/5 * * * *"]}}, "schedule"),
        ({"schedule": {"cron": ["0 8 * *"]}}, "schedule.cron.0"),
        ({"schedule": {"cron": ["0 8 31 2 *"]}}, "schedule.cron.0"),
        ({"schedule": {"cron": ["0 8 * * *"], "times": ["08:00"]}}, "schedule"),
        ({"schedule": {"times": ["08:00"], "time_zone": "Asia/Soul"}}, "schedule.time_zone"),
        ({"schedule": {"times": ["08:00"], "weekdays": ["someday"]}}, "schedule.weekdays.0"),
        ({"schedule": {"weekdays": ["mon"]}}, "schedule.weekdays"),
        ({"schedule": {"times": ["08:00"], "starts_at": "2030-01-02T00:00:00Z",
                       "ends_at": "2030-01-01T00:00:00Z"}}, "schedule.ends_at"),
        ({"schedule": {"times": ["08:00"], "starts_at": "2030-01-02T00:00:00"}},
         "schedule.starts_at"),
        ({"notify": "sometimes"}, "notify"),
        ({"params": {"steps": 0}}, "params.steps"),
        ({"kind": None, "job_id": None}, "kind"),
        ({"name": "a\0b"}, "name"),
        ({"missed_limit_seconds": 1}, "missed_limit_seconds"),
        ({"surprise": 1}, "surprise"),
        ({"notify": "always"}, "notify"),  # there is no phone
        ({"schedule": {"times": ["08:00"], "ends_at": "2020-01-01T00:00:00Z"}}, "schedule.ends_at"),
        ({"kind": "posting_search", "params": {"job_title": "a\0b"}}, "params.job_title"),
        ({"kind": "nonsense", "params": None}, "kind"),
    ],
)  # fmt: skip
def test_what_is_not_right_is_named(a: Api, body: dict[str, Any], field: str) -> None:
    """Nothing is kept, and the field is named."""
    asked = {"kind": "count_slowly", "params": {}, "schedule": MORNING, **body}
    refused = a.post("saved-searches", json=asked)
    assert refused.status_code == 422, refused.text
    assert [error["field"] for error in refused.get_json()["errors"]] == [field]
    assert a.get("saved-searches").get_json() == {"saved_searches": []}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"name": ""}, "name: must have at least 1 character"),
        ({"name": "x" * 101}, "name: must have at most 100 characters"),
        ({"schedule": {"times": []}}, "schedule.times: must have at least 1 entry"),
        ({"schedule": {"times": ["08:00"] * 13}}, "schedule.times: must have at most 12 entries"),
        (
            {"schedule": {"times": ["08:00"], "starts_at": "2030-01-02T00:00:00"}},
            "schedule.starts_at: must be a moment with its zone, e.g. 2026-03-29T08:00+09:00",
        ),
        (
            {"schedule": {"times": ["08:00"], "ends_at": "tomorrow"}},
            "schedule.ends_at: must be a moment with its zone, e.g. 2026-03-29T08:00+09:00",
        ),
    ],
)
def test_what_is_not_right_is_told_in_plain_words(a: Api, body: dict[str, Any], told: str) -> None:
    """One of a thing is no `entries`, and what a text lacks are characters."""
    asked = {"kind": "count_slowly", "params": {}, "schedule": MORNING, **body}
    assert a.post("saved-searches", json=asked).get_json()["detail"] == told


def test_the_same_request_again_saves_nothing_twice(a: Api) -> None:
    """Under one key one search; another body under it is refused."""
    headers = {"Idempotency-Key": str(uuid4())}
    body = {"kind": "count_slowly", "params": {}, "schedule": MORNING}
    first, second = (a.post("saved-searches", json=body, headers=headers) for _ in range(2))
    assert first.get_json() == second.get_json()
    assert second.headers["Idempotency-Replayed"] == "true"
    other = a.post("saved-searches", json={**body, "name": "x"}, headers=headers)
    assert other.get_json()["code"] == "idempotency_key_reused"
    assert len(a.get("saved-searches").get_json()["saved_searches"]) == 1


def test_a_person_has_only_so_many(make_app: Any, a: Api) -> None:
    """The cap is told, and nothing is kept."""
    api = Api(make_app(saved_searches_per_person=2).test_client(), a.token)
    save(api), save(api)
    refused = api.post("saved-searches", json={"kind": "count_slowly", "params": {}})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "too_many_saved_searches")


def test_it_is_changed_paused_resumed_and_deleted(a: Api, b: Api) -> None:
    """What is not named stays; others can do nothing to it."""
    saved = save(a)
    at = saved["links"]["self"]
    changed = a.open(
        at, method="PATCH", json={"notify": "never", "schedule": {"cron": ["7 7 * * *"]}}
    )
    assert changed.status_code == 200, changed.text
    body = changed.get_json()
    assert (body["notify"], body["schedule"]["cron"]) == ("never", ["7 7 * * *"])
    assert (body["name"], body["params"]) == (saved["name"], saved["params"])
    paused = a.open(f"{at}/pause", method="PUT").get_json()
    assert paused["paused"]["reason"] == "person" and paused["next_slots"] == []
    resumed = a.open(f"{at}/pause", method="DELETE").get_json()
    assert resumed["paused"] is None and len(resumed["next_slots"]) == 5
    for method, path in (
        ("GET", at), ("PATCH", at), ("DELETE", at), ("PUT", f"{at}/pause"),
        ("DELETE", f"{at}/pause"), ("POST", f"{at}/runs"), ("GET", f"{at}/occurrences"),
    ):  # fmt: skip
        answer = b.open(path, method=method, **({"json": {}} if method == "PATCH" else {}))
        assert (answer.status_code, answer.get_json()["code"]) == (404, "saved_search_not_found")
    assert a.open(at, method="DELETE").status_code == 204
    assert a.get(at).status_code == 404


def test_run_now_is_a_job_somebody_waits_for(a: Api, database: Database) -> None:
    """It goes before schedules, knows its search, and is not begun twice."""
    saved = save(a)
    answer = a.post(f"{saved['links']['self']}/runs")
    assert answer.status_code == 202, answer.text
    job = answer.get_json()
    assert (job["source"], job["saved_search_id"]) == ("manual", saved["id"])
    again = a.post(f"{saved['links']['self']}/runs")
    assert (again.status_code, again.get_json()["id"]) == (200, job["id"])
    # Under a key the answer is the same again, its status too.
    first, replay = (
        a.post(f"{saved['links']['self']}/runs", headers={"Idempotency-Key": "run-1"})
        for _ in range(2)
    )
    assert (first.status_code, replay.status_code) == (200, 200)
    assert (replay.get_json(), replay.headers["Idempotency-Replayed"]) == (first.get_json(), "true")
    with database.worker() as session:
        claim_job(database, UUID(job["id"])).succeed(
            session, {"counted": 1}, result_count=1, keys=["a"]
        )
    assert a.get(saved["links"]["self"]).get_json()["baseline_at"] is not None
    # The job outlives the search.
    a.open(saved["links"]["self"], method="DELETE")
    assert a.get(job["links"]["self"]).get_json()["saved_search_id"] is None


def test_past_slots_tell_what_came_of_them(
    a: Api, database: Database, settings: Settings, owner_connection: psycopg.Connection
) -> None:
    """Job or reason, and how late; page by page."""
    assert a.person_id is not None
    owner_connection.execute("delete from saved_searches")
    minute = (datetime.now(UTC) - timedelta(minutes=10)).minute
    search_id = make_search(
        database, settings, a.person_id, cron=f"{minute} * * * *",
        due=datetime.now(UTC) - timedelta(hours=3),
    )  # fmt: skip
    enqueue_due(database, settings, seconds=10)
    rows = read_occurrences(database, a.person_id, search_id)
    at = f"/api/v1/saved-searches/{search_id}/occurrences"
    first = a.get(f"{at}?limit=2").get_json()
    rest = a.get(first["next"]).get_json()
    shown = first["occurrences"] + rest["occurrences"]
    assert [one["skipped"] for one in shown] == [row.skipped for row in rows[::-1]]
    assert shown[0]["job_id"] == str(rows[-1].job_id)
    assert a.get(shown[0]["links"]["self"]).get_json()["source"] == "schedule"
    assert 600 <= shown[0]["late_seconds"] < 720
    assert rest["next"] is None


def test_a_schedule_is_looked_at_before_it_is_saved(a: Api) -> None:
    """Its next times, and what its clock does until then."""
    body = {"cron": ["30 1 29 3 *"], "time_zone": "Europe/London"}
    shown = a.post("schedule-previews", json=body).get_json()
    assert len(shown["next_slots"]) == 5
    sundays = [slot for slot in shown["next_slots"] if slot["shift"] == "skipped"]
    for slot in sundays:  # a 29 March that is a Sunday: the clock leaps from 1:00 to 2:00
        assert slot["at"].endswith("T01:00:00.000Z")
    assert {change["minutes"] for change in shown["clock_changes"]} == {60, -60}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"cron": ["61 1 * * *"]}, "cron.0"),
        ({"times": ["8:00", "25:00"]}, "times.1"),
        ({"time_zone": "Asia/Soul"}, "time_zone"),
        ({"weekdays": ["mon"]}, "weekdays"),
        ({"times": ["08:00"], "ends_at": "2020-01-01T00:00:00Z"}, "ends_at"),
        ({"times": ["08:00"], "cron": ["0 8 * * *"]}, "cron"),
        ({"cron": ["* * * * *"]}, "cron"),
        ({"times": ["08:00", "08:10"]}, "times"),
    ],
)
def test_a_preview_names_fields_of_its_own_body(a: Api, body: dict[str, Any], field: str) -> None:
    """There the schedule is all of it."""
    refused = a.post("schedule-previews", json=body)
    assert refused.status_code == 422, refused.text
    assert [error["field"] for error in refused.get_json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"schedule": {"cron": ["7 7 * * *"], "time_zone": "UTC"}}),
        ("PATCH", "", {"schedule": {"cron": ["0 0 1 1 *", "7 7 * * *"]}}),
        ("PUT", "/pause", None),
    ],
)
def test_a_change_loses_no_slot_that_has_come(
    a: Api, database: Database, settings: Settings, method: str, path: str, body: Any
) -> None:
    """What was due by the old times has its row before the new ones hold."""
    assert a.person_id is not None
    search_id = make_search(database, settings, a.person_id, **just_now())
    answer = a.open(f"/api/v1/saved-searches/{search_id}{path}", method=method, json=body)
    assert answer.status_code == 200, answer.text
    (row,) = read_occurrences(database, a.person_id, search_id)
    assert row.job_id is not None


def test_the_same_times_again_change_nothing(
    a: Api, database: Database, settings: Settings
) -> None:
    """Not even what is due next."""
    assert a.person_id is not None
    search_id = make_search(database, settings, a.person_id, cron="0 8 * * *")
    at = f"/api/v1/saved-searches/{search_id}"
    with database.owner(a.person_id) as session:
        before = session.get_one(SavedSearch, search_id).planned_until
    a.open(at, method="PATCH", json={"schedule": {"times": ["08:00"], "time_zone": "UTC"}})
    with database.owner(a.person_id) as session:
        assert session.get_one(SavedSearch, search_id).planned_until == before


def test_a_text_after_every_run_needs_a_phone_later_too(a: Api) -> None:
    """As when it is made."""
    saved = save(a)
    refused = a.open(saved["links"]["self"], method="PATCH", json={"notify": "always"})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "phone_not_verified")


def test_one_that_nobody_understands_hides_no_other(
    a: Api, owner_connection: psycopg.Connection
) -> None:
    """Its zone is gone from the tz database: it is shown as it is, and can be changed."""
    broken, sound = save(a), save(a)
    owner_connection.execute(
        "update saved_searches set time_zone = 'Moon/Tranquility' where id = %s", (broken["id"],)
    )
    listed = a.get("saved-searches").get_json()["saved_searches"]
    assert [one["id"] for one in listed] == [sound["id"], broken["id"]]
    assert listed[1]["schedule"]["time_zone"] == "Moon/Tranquility"
    assert listed[1]["next_slots"] == []
    body = {"schedule": {"times": ["08:00"], "time_zone": "Asia/Seoul"}}
    mended = a.open(broken["links"]["self"], method="PATCH", json=body).get_json()
    assert len(mended["next_slots"]) == 5


def test_run_now_waits_for_no_schedule(a: Api, database: Database, settings: Settings) -> None:
    """A run that waits for its turn behind other schedules is none that goes on. Demand: 004-44"""
    assert a.person_id is not None
    search_id = make_search(database, settings, a.person_id, **just_now())
    enqueue_due(database, settings, seconds=10)
    answer = a.post(f"saved-searches/{search_id}/runs")
    assert (answer.status_code, answer.get_json()["source"]) == (202, "manual")
