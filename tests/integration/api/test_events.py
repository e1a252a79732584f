"""A job's changes as a stream: what comes, to whom, and what happens when Redis is away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
from api_client import Api, free_port
from factories import claim_job
from flask import Flask
from processes import wait_for
from pydantic import SecretStr
from sqlalchemy import delete
from sqlalchemy import event as sqlalchemy_event

from models import Claim, Database, Job, Progress, Settings
from tasks.runtime import WAKE_CHANNEL
from tasks.wake import wake_on_commit
from webapp import live, places
from webapp.embedded.valkey import EmbeddedValkey


class Stream:
    """A reader of one stream on a thread of its own, as a page is."""

    def __init__(self, api: Api, job: dict[str, Any], **headers: str) -> None:
        """Open the stream and read it until it ends."""
        self.answer = api.get(job["links"]["events"], headers=headers)
        self.events: Queue[dict[str, Any] | None] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for block in self.answer.response:
            text = block.decode() if isinstance(block, bytes) else block
            lines = dict(line.split(": ", 1) for line in text.strip().splitlines())
            if "data" in lines:
                event = json.loads(lines["data"])
                assert lines["id"] == str(event["version"])
                self.events.put(event)
        self.events.put(None)

    def next(self, timeout: float = 30) -> dict[str, Any] | None:
        """Return the next event, or None at the end of the stream."""
        return self.events.get(timeout=timeout)

    def until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first event that is as wanted."""
        while True:
            event = self.next()
            assert event is not None, "the stream ended"
            if condition(event):
                return event

    def join(self) -> None:
        """Wait for the end of the stream."""
        self._reader.join(30)
        assert not self._reader.is_alive()
        self.answer.close()


@pytest.fixture(autouse=True)
def wake_ups_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody here waits so long that a lost wake-up would be made good by another look."""
    monkeypatch.setattr(live, "_READ_AGAIN_SECONDS", 120.0)


@pytest.fixture
def open_stream(database: Database) -> Iterator[Callable[..., Stream]]:
    """Open streams, and end them with their jobs after the test."""
    opened: list[tuple[Api, dict[str, Any], Stream]] = []

    def open_it(api: Api, job: dict[str, Any], **headers: str) -> Stream:
        opened.append((api, job, Stream(api, job, **headers)))
        return opened[-1][2]

    yield open_it
    for api, job, _stream in opened:
        assert api.person_id is not None
        with database.owner(api.person_id) as session:
            session.execute(delete(Job).where(Job.id == job["id"]))
            wake_on_commit(session, UUID(job["id"]))
    for _api, _job, stream in opened:
        stream.join()


def report(database: Database, claim: Claim, percent: int, *, wake: bool = True) -> None:
    """Report progress as a worker does."""
    with database.worker() as session:
        claim.heartbeat(session, lease_seconds=30, progress=Progress(percent=percent))
        if wake:
            wake_on_commit(session, claim.job_id)


def finish(database: Database, claim: Claim) -> None:
    """End the job as a worker does."""
    with database.worker() as session:
        claim.succeed(session, {"counted": 3}, result_count=3)
        wake_on_commit(session, claim.job_id)


def test_the_job_as_it_stands_then_each_change_then_the_end(
    app: Flask, a: Api, database: Database, open_stream: Callable[..., Stream]
) -> None:
    """Demand: 004-5, 004-18, 004-50."""
    job = a.submit()
    stream = open_stream(a, job)
    assert stream.answer.mimetype == "text/event-stream"
    assert stream.answer.headers["X-Accel-Buffering"] == "no"
    first = stream.next()
    assert first is not None
    assert (first["id"], first["status"]) == (job["id"], "queued")
    claim = claim_job(database, UUID(job["id"]))
    report(database, claim, 45)
    event = stream.until(lambda event: event["progress"] == 45)
    assert event["version"] > first["version"]
    finish(database, claim)
    last = stream.until(lambda event: event["status"] == "succeeded")
    assert (last["progress"], last["result_count"]) == (100, 3)
    assert stream.next() is None
    wait_for(lambda: live.hub(app).watcher_count == 0, 5, "the watcher to go")


def test_a_change_arrives_at_once(
    a: Api, database: Database, open_stream: Callable[..., Stream]
) -> None:
    job = a.submit()
    claim = claim_job(database, UUID(job["id"]))
    stream = open_stream(a, job)
    stream.next()
    time.sleep(1)  # the subscription stands
    took = []
    for percent in range(10, 60, 10):
        began = time.monotonic()
        report(database, claim, percent)
        stream.until(lambda event, wanted=percent: event["progress"] == wanted)
        took.append(time.monotonic() - began)
    assert max(took) < 10  # a lost wake-up would never be made good


def test_a_reconnect_gets_one_snapshot_and_an_end_no_more(
    a: Api, make_app: Any, database: Database, open_stream: Callable[..., Stream]
) -> None:
    """The network changes in the middle, and another instance goes on. Demand: 001-10."""
    job = a.submit()
    claim = claim_job(database, UUID(job["id"]))
    before = open_stream(a, job)
    report(database, claim, 10)
    seen = before.until(lambda event: event["progress"] == 10)
    for percent in (20, 45):
        report(database, claim, percent)
    other = Api(make_app().test_client(), a.token, a.person_id)
    stream = open_stream(other, job, **{"Last-Event-ID": str(seen["version"])})
    event = stream.next()
    assert event is not None
    assert event["progress"] == 45
    with pytest.raises(Empty):
        stream.next(timeout=0.5)
    finish(database, claim)
    stream = open_stream(a, job)
    last = stream.next()
    assert last is not None
    assert last["status"] == "succeeded"
    assert stream.next() is None
    again = a.get(job["links"]["events"], headers={"Last-Event-ID": str(last["version"])})
    assert again.status_code == 204


def test_two_devices_see_the_same(
    a: Api, make_app: Any, database: Database, open_stream: Callable[..., Stream]
) -> None:
    """Demand: 000-36, 004-5."""
    job = a.submit()
    claim = claim_job(database, UUID(job["id"]))
    other = Api(make_app().test_client(), a.token, a.person_id)
    phone = open_stream(a, job)
    desktop = open_stream(other, job)
    for percent in (30, 60):
        report(database, claim, percent)
        for stream in (phone, desktop):
            stream.until(lambda event, wanted=percent: event["progress"] == wanted)


def test_all_who_watch_a_job_share_one_read(
    make_app: Any,
    a: Api,
    database: Database,
    owner_connection: psycopg.Connection,
    open_stream: Callable[..., Stream],
) -> None:
    app = make_app()
    job = a.submit()
    claim = claim_job(database, UUID(job["id"]))
    streams = [open_stream(Api(app.test_client(), a.token, a.person_id), job) for _ in range(30)]
    for stream in streams:
        stream.next()
    time.sleep(1)
    pool = app.extensions["textback.database"].engine.pool
    opened: list[int] = []
    engine = app.extensions["textback.database"].engine
    sqlalchemy_event.listen(engine, "begin", lambda _connection: opened.append(1))
    report(database, claim, 50)
    for stream in streams:
        stream.until(lambda event: event["progress"] == 50)
    assert len(opened) <= 3
    assert pool.checkedout() <= 1


def test_a_revoked_token_ends_the_stream(
    a: Api,
    database: Database,
    owner_connection: psycopg.Connection,
    open_stream: Callable[..., Stream],
) -> None:
    """Who may read is checked again at each snapshot."""
    job = a.submit()
    claim = claim_job(database, UUID(job["id"]))
    stream = open_stream(a, job)
    stream.next()
    owner_connection.execute(
        "update api_tokens set revoked_at = now() where owner_id = %s", [a.person_id]
    )
    report(database, claim, 77)
    assert stream.next() is None
    assert a.get(job["links"]["self"]).status_code == 401


def test_a_job_that_goes_ends_the_stream(
    a: Api,
    database: Database,
    owner_connection: psycopg.Connection,
    open_stream: Callable[..., Stream],
) -> None:
    job = a.submit()
    claim = claim_job(database, UUID(job["id"]))
    stream = open_stream(a, job)
    stream.next()
    owner_connection.execute("delete from jobs where id = %s", [job["id"]])
    with database.worker() as session:
        wake_on_commit(session, claim.job_id)
    assert stream.next() is None


def test_others_get_no_stream(a: Api, b: Api, stranger: Api) -> None:
    job = a.submit()
    theirs = b.get(job["links"]["events"])
    assert (theirs.status_code, theirs.get_json()["code"]) == (404, "job_not_found")
    assert stranger.get(job["links"]["events"]).status_code == 401


def test_rows_are_polled_while_redis_is_away(
    make_app: Any, a: Api, database: Database, tmp_path: Path, open_stream: Callable[..., Stream]
) -> None:
    """Demand: 004-50. Redis dies under an open stream, comes back, and no change is missed."""
    server = EmbeddedValkey(tmp_path / "valkey", port=free_port())
    server.start()
    server.wait_ready()
    app = make_app(redis_url=SecretStr(server.url()))
    job = a.submit()
    claim = claim_job(database, UUID(job["id"]))
    stream = open_stream(Api(app.test_client(), a.token, a.person_id), job)
    stream.next()
    wait_for(lambda: subscribers(server) == 1, 10, "the subscription")
    server.stop()
    report(database, claim, 40, wake=False)
    stream.until(lambda event: event["progress"] == 40)
    second = open_stream(Api(app.test_client(), a.token, a.person_id), job)
    first = second.next()
    assert first is not None
    assert first["progress"] == 40
    try:
        server.start()
        server.wait_ready()
        wait_for(lambda: subscribers(server) == 1, 20, "the subscription again")
        report(database, claim, 60, wake=False)
        with redis.Redis.from_url(server.url()) as client:
            client.publish(WAKE_CHANNEL, job["id"])
        for each in (stream, second):
            each.until(lambda event: event["progress"] == 60)
    finally:
        server.stop()


def subscribers(server: EmbeddedValkey) -> int:
    """Count who listens for wake-ups."""
    with redis.Redis.from_url(server.url()) as client:
        return int(client.pubsub_numsub(WAKE_CHANNEL)[0][1])  # type: ignore[index]


def test_a_place_in_the_queue_moves_without_any_word(
    a: Api, b: Api, database: Database, open_stream: Callable[..., Stream]
) -> None:
    """Nobody is woken by another's job, yet the place is told anew."""
    ahead = b.submit()
    job = a.submit()
    stream = open_stream(a, job)
    first = stream.next()
    assert first is not None
    claim_job(database, UUID(ahead["id"]))
    moved = stream.until(lambda event: event["queue_position"] != first["queue_position"])
    assert moved["queue_position"] == first["queue_position"] - 1
    assert moved["version"] == first["version"]


def test_a_lost_wake_up_is_made_good_soon(
    a: Api, database: Database, open_stream: Callable[..., Stream]
) -> None:
    """A job that waits no more is seen with the next look at the places."""
    job = a.submit()
    stream = open_stream(a, job)
    stream.next()
    claim_job(database, UUID(job["id"]))
    assert stream.until(lambda event: event["status"] == "running")["queue_position"] is None


def test_jobs_that_wait_and_do_not_move_are_not_read_again(
    make_app: Any, a: Api, open_stream: Callable[..., Stream]
) -> None:
    """One look at all places, not one row a job, however many are watched."""
    app = make_app()
    jobs = [a.submit() for _ in range(12)]
    for job in jobs:
        open_stream(Api(app.test_client(), a.token, a.person_id), job).next()
    wait_for(lambda: not live.hub(app)._redis_away, 30, "the subscription")
    time.sleep(4)  # everything was read once
    opened: list[int] = []
    engine = app.extensions["textback.database"].engine
    sqlalchemy_event.listen(engine, "begin", lambda _connection: opened.append(1))
    time.sleep(7)
    assert 2 <= len(opened) <= 6


def test_one_account_takes_only_so_many_streams(
    make_app: Any,
    a: Api,
    b: Api,
    monkeypatch: pytest.MonkeyPatch,
    open_stream: Callable[..., Stream],
) -> None:
    """The others keep their places, and who has too many may still ask without waiting."""
    monkeypatch.setattr(places, "MOST_OF_ONE", 2)
    app = make_app()
    mine, theirs = (Api(app.test_client(), one.token, one.person_id) for one in (a, b))
    job, other = a.submit(), b.submit()
    streams = [open_stream(mine, job) for _ in range(2)]
    for path in (job["links"]["events"], f"{job['links']['self']}?wait=5"):
        answer = mine.get(path)
        assert (answer.status_code, answer.get_json()["code"]) == (429, "too_many_requests")
        assert int(answer.headers["Retry-After"]) > 0
    assert mine.get(job["links"]["self"]).status_code == 200
    assert open_stream(theirs, other).next() is not None
    assert all(stream.next() is not None for stream in streams)


def test_too_many_streams_are_told_to_poll(
    make_app: Any,
    a: Api,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    open_stream: Callable[..., Stream],
) -> None:
    monkeypatch.setattr(places, "MOST", 2)
    app = make_app()
    job = a.submit()
    streams = [open_stream(Api(app.test_client(), a.token, a.person_id), job) for _ in range(2)]
    answer = Api(app.test_client(), a.token, a.person_id).get(job["links"]["events"])
    assert (answer.status_code, answer.get_json()["code"]) == (503, "too_many_streams")
    assert int(answer.headers["Retry-After"]) > 0
    finish(database, claim_job(database, UUID(job["id"])))
    for stream in streams:
        stream.until(lambda event: event["status"] == "succeeded")
        assert stream.next() is None
    job = a.submit()
    assert Api(app.test_client(), a.token, a.person_id).get(job["links"]["self"]).status_code == 200
    assert open_stream(Api(app.test_client(), a.token, a.person_id), job).next() is not None


def test_with_many_that_were_not_read_for_long_each_has_its_turn(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the first always first again, the last would never be read."""
    monkeypatch.setattr(live, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(live.Hub, "_patience", lambda _hub, _job: 0.0)
    watched = live.Hub(database, settings)
    jobs = [uuid4() for _ in range(3 * live._STALE_AT_ONCE)]
    watched._watched = {job: set() for job in jobs}
    watched._read_at = dict.fromkeys(jobs, 0.0)
    read = [watched._take_due() for _ in range(3)]
    assert set().union(*read) == set(jobs)


def test_a_change_that_was_told_waits_behind_no_more_than_one_other(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as Redis tells of changes; without it every row is as urgent."""
    monkeypatch.setattr(live, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(live.Hub, "_patience", lambda _hub, _job: 0.0)
    watched = live.Hub(database, settings)
    jobs = [uuid4() for _ in range(2 * live._STALE_AT_ONCE)]
    watched._watched = {job: set() for job in jobs}
    for is_away, most in ((False, 1), (True, live._STALE_AT_ONCE)):
        watched._redis_away = is_away
        watched._read_at = dict.fromkeys(jobs, 0.0)
        watched._dirty = {jobs[-1]}
        assert watched._take_due() == {jobs[-1], *jobs[:most]}
