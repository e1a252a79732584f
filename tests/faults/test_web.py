"""The web process dies around a commit and in a stream: who asks again gets what there is."""

from __future__ import annotations

import json
import secrets
import signal
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from processes import wait_for

from faults.proxy import Effect
from faults.stage import Caller, Reply, Stage, at_once

SWEEPS_SECONDS = 20.0
INSERT, COMMIT = b"INSERT INTO jobs", b"COMMIT"


def kill_web(stage: Stage) -> None:
    """kill -9 of gunicorn and its worker; the supervisor starts them again."""
    stage.kill_group("web-1")


def ask_until_answered(caller: Caller, key: str, label: str) -> Reply:
    """Do as a careful program does: the same request with the same key until it is answered."""

    replies: list[Reply] = []

    def ask() -> Reply | None:
        replies.append(caller.submit(key=key, label=label, steps=1))
        return replies[-1] if replies[-1].status in (200, 202) else None

    try:
        return wait_for(ask, 40, "an answer")
    except AssertionError:
        raise AssertionError(replies[-3:]) from None


@contextmanager
def asked_meanwhile(caller: Caller, key: str, label: str) -> Iterator[list[Reply]]:
    """Submit from another thread; its answer is in the list once the block is left."""
    replies: list[Reply] = []
    thread = threading.Thread(
        target=lambda: replies.append(caller.submit(key=key, label=label, steps=1))
    )
    thread.start()
    yield replies
    thread.join(20)


@pytest.mark.parametrize("effect", [Effect.HOLD_REQUEST, Effect.HOLD_REPLY])
def test_killed_during_the_commit(stage: Stage, a: Caller, effect: Effect) -> None:
    """Whether the commit arrived or not, the same key leads to one job, and it is done."""
    key, label = secrets.token_hex(8), secrets.token_hex(8)
    trap = stage.web_postgres.trap(INSERT, COMMIT, effect=effect)
    with asked_meanwhile(a, key, label) as replies:
        assert trap.sprung.wait(10)
        is_durable = effect is Effect.HOLD_REPLY
        if is_durable:
            assert trap.replied.wait(10)
        kill_web(stage)
    assert replies[0].status == 0  # nobody was told anything
    before = stage.jobs_of(a)
    assert len(before) == is_durable
    stage.web_postgres.heal()  # and a commit that was still on its way arrives after its sender
    stage.wait_web()
    again = ask_until_answered(a, key, label)
    assert stage.jobs_of(a) == {again.id}
    assert not before or before == {again.id}
    stage.wait_until_ended([again.id])
    stage.check_ended_once([again.id], attempts=1)


@pytest.mark.parametrize("effect", [Effect.LOSE_REQUEST, Effect.LOSE_REPLY])
def test_connection_lost_during_the_commit(stage: Stage, a: Caller, effect: Effect) -> None:
    """The web process cannot know what became of it: 503, never a 202, and the key finds out."""
    key, label = secrets.token_hex(8), secrets.token_hex(8)
    stage.web_postgres.trap(INSERT, COMMIT, effect=effect)
    reply = a.submit(key=key, label=label, steps=1)
    assert reply.is_away(within=2), reply
    assert len(stage.jobs_of(a)) == (effect is Effect.LOSE_REPLY)
    again = ask_until_answered(a, key, label)
    assert stage.jobs_of(a) == {again.id}
    stage.wait_until_ended([again.id])
    stage.check_ended_once([again.id], attempts=1)


def test_killed_between_commit_and_publish(stage: Stage) -> None:
    """The hint dies with the process: the job is found in its row within two sweeps."""
    stage.web_redis.stall()
    kept = [caller.submit(steps=1).id for caller in (stage.make_caller() for _ in range(4))]
    kill_web(stage)
    killed = time.monotonic()
    stage.web_redis.heal()
    stage.wait_until_ended(kept, SWEEPS_SECONDS)
    print(f"killed before publish: all jobs done {time.monotonic() - killed:.1f} s later")
    stage.check_ended_once(kept, attempts=1)
    stage.wait_web()


def test_fifty_equal_requests_make_one_job(stage: Stage, a: Caller) -> None:
    """At the same time, with the same key; some of them while the web process is killed."""
    key, label = secrets.token_hex(8), secrets.token_hex(8)
    with ThreadPoolExecutor(1) as killer:
        killing = killer.submit(lambda: (time.sleep(0.1), kill_web(stage)))
        replies = at_once(lambda _turn: a.submit(key=key, label=label, steps=1), 50)
        killing.result()
    stage.wait_web()
    replies.append(ask_until_answered(a, key, label))
    ids = {reply.id for reply in replies if reply.status in (200, 202)}
    print(f"50 equal requests: {len(replies)} answers, {len(ids)} job")
    assert stage.jobs_of(a) == ids
    assert len(ids) == 1
    stage.wait_until_ended(ids)
    stage.check_ended_once(ids, attempts=1)


def frames(caller: Caller, job_id: UUID, last_event_id: str | None = None) -> Iterator[Any]:
    """Follow a stream of events until it ends or breaks: (id, data) of each."""
    headers = {} if last_event_id is None else {"Last_Event_ID": last_event_id}
    request = caller.request(f"jobs/{job_id}/events", **headers)

    def open_stream() -> Any:
        try:
            return urllib.request.urlopen(request, timeout=20)
        except OSError:  # the process is stopping or starting; browsers come again, too
            return None

    with wait_for(open_stream, 20, "the stream") as stream:
        event_id = ""
        try:
            for line in stream:
                if line.startswith(b"id:"):
                    event_id = line[3:].strip().decode()
                elif line.startswith(b"data:"):
                    yield event_id, json.loads(line[5:])
        except OSError:
            return  # broken off


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_killed_during_a_stream(stage: Stage, a: Caller, sign: signal.Signals) -> None:
    """Who reconnects with Last-Event-ID gets the present state, then each that follows.

    Demand: 000-35
    """
    job_id = a.submit(steps=25, step_seconds=0.2).id
    stage.wait_until_running(job_id)
    seen: list[tuple[int, dict[str, Any]]] = []
    for event_id, data in frames(a, job_id):
        seen.append((int(event_id), data))
        if len(seen) == 2:
            stage.kill_group("web-1", sign)
    assert len(seen) >= 2
    assert seen[-1][1]["status"] == "running"
    stage.wait_web()
    last = seen[-1]
    began = time.monotonic()
    for event_id, data in frames(a, job_id, str(last[0])):
        if seen and seen[-1] == last:
            print(f"stream after {sign.name}: goes on after {time.monotonic() - began:.2f} s")
        seen.append((int(event_id), data))
    versions = [version for version, _ in seen]
    assert versions == sorted(versions)
    progress = [data["progress"] for _, data in seen]
    assert progress == sorted(progress)
    assert seen[-1][1]["status"] == "succeeded"
    stage.check_ended_once([job_id], attempts=1)


def test_stream_goes_on_while_the_servers_restart(stage: Stage, a: Caller) -> None:
    """Postgres ends at once and is back, then Valkey: an open stream stays open and right."""
    job_id = a.submit(steps=25, step_seconds=0.2).id
    stage.wait_until_running(job_id)
    seen: list[dict[str, Any]] = []
    follower = threading.Thread(
        target=lambda: seen.extend(data for _, data in frames(a, job_id)), daemon=True
    )
    follower.start()
    time.sleep(1)
    stage.restart_postgres()
    stage.kill_valkey()
    time.sleep(1)
    stage.start_valkey()
    stage.wait_until_ended([job_id])
    follower.join(20)
    assert not follower.is_alive()
    assert seen[-1]["status"] == "succeeded"
    progress = [data["progress"] for data in seen if data["attempt"] == seen[-1]["attempt"]]
    assert progress == sorted(progress)
    stage.check_ended_once([job_id])
