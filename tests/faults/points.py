"""The points in a job's life at which a process can be hit, built in by the test alone.

Imported by a node of a test before it begins its work; nothing of the product
imports it. A test arms a point with a file in the folder FAULTS_ARMED, named
`<point>--<deed>--<anything>`. Whoever comes by first and can take the file away does the deed; so
it is done once, by one process.

A point is `<step>:<phase>`. Steps are what an attempt does in a transaction; phases are `before`
(nothing done), `inside` (written; where statement and commit travel together, that may be durable
already), `committed` (durable, and nobody told) and `told`.
"""

from __future__ import annotations

import functools
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

import models.connection
import tasks.dispatch
import tasks.runner
import tasks.sweeper
import tasks.sweeps
from models import Claim, Database, after_commit
from models.step import Step
from tasks.app import celery_app

log = logging.getLogger(__name__)

_FOLDER = Path(os.environ["FAULTS_ARMED"])
STEPS = {
    "take": "claim",
    "heartbeat": "heartbeat",
    "save_checkpoint": "checkpoint",
    "save_partial": "partial",
    "succeed": "finish",
    "retry": "retry",
}


def hit(point: str) -> None:
    """Do what is armed for this point, if anything is."""
    for armed in _FOLDER.glob(f"{point}--*"):
        deed = armed.name.split("--")[1]
        try:
            armed.unlink()
        except FileNotFoundError:
            continue  # somebody else was first
        log.warning("hit at %s: %s", point, deed)
        _do(deed)


def _do(deed: str) -> None:
    if deed == "kill":  # this process alone, as the kernel does when memory is short
        os.kill(os.getpid(), signal.SIGKILL)
    elif deed == "crash":  # the whole node, as a power cut does
        os.killpg(0, signal.SIGKILL)
    elif deed == "freeze":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif deed == "hang":
        time.sleep(3600)
    else:
        raise AssertionError(deed)


def _at(step: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """Surround a method of Claim whose session is an argument."""

    @functools.wraps(method)
    def surrounded(*args: Any, **values: Any) -> Any:
        session = next(one for one in (*args, *values.values()) if isinstance(one, Session | Step))
        hit(f"{step}:before")
        after_commit(session, lambda: hit(f"{step}:committed"))
        answer = method(*args, **values)
        session.info["step"] = step
        hit(f"{step}:inside")
        return answer

    return surrounded


def _told(transaction: Callable[..., Any]) -> Callable[..., Any]:
    """Surround a transaction, whose end includes what is done after its commit."""

    @contextmanager
    def surrounded(self: Database, *args: Any, **values: Any) -> Iterator[Session | Step]:
        seen: list[Session | Step] = []
        with transaction(self, *args, **values) as session:
            seen.append(session)
            yield session
        if step := seen[0].info.get("step"):
            hit(f"{step}:told")

    return surrounded


def _opened_up(step: Callable[..., Any], transaction: Callable[..., Any]) -> Callable[..., Any]:
    """Send a step's statements one by one while a point inside is armed: it has no inside."""

    @contextmanager
    def surrounded(self: Database) -> Iterator[Session | Step]:
        way = transaction if any(_FOLDER.glob("*:inside--*")) else step
        with way(self) as session:
            yield session

    return surrounded


def install() -> None:
    """Build the points in."""
    for name, step in STEPS.items():
        method = Claim.__dict__.get(name)
        if isinstance(method, classmethod):
            setattr(Claim, name, classmethod(_at(step, method.__func__)))
        elif method is not None:
            setattr(Claim, name, _at(step, method))
    Database.worker_step = _opened_up(Database.worker_step, Database.worker)  # type: ignore[method-assign]
    for transaction in ("worker", "worker_step"):
        setattr(Database, transaction, _told(getattr(Database, transaction)))


def hurry() -> None:
    """Wait less for what the product waits for, in the same proportions; not in a long run."""
    tasks.sweeps.PATIENCE_SECONDS = 2.0  # for a hint to be taken
    tasks.sweeper.SWEEP_SECONDS = 1.0
    tasks.dispatch._KILL_AFTER_SECONDS = 6  # more than a lease and two sweeps after its start
    tasks.runner.RETRY_BASE_SECONDS = 0.3
    models.connection.ANSWER_SECONDS = 7.0  # more than a statement waits for a lock
    # Of the line a worker hears from Redis on, once nothing comes any more.
    celery_app.conf.broker_transport_options["health_check_interval"] = 4


install()
if not os.environ.get("FAULTS_LONG"):
    hurry()
