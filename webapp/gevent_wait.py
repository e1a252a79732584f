"""How a request waits for Postgres under gevent.

psycopg asks `select.poll` before it writes and before it reads, which are two turns of gevent's
loop, in which everybody else comes first, and a third of what it takes to read a row.
"""

from __future__ import annotations

import select
import time
from typing import Any, TypeVar

import psycopg
from gevent.monkey import get_original
from gevent.socket import wait_read, wait_readwrite, wait_write
from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait

from models.connection import Connection

Result = TypeVar("Result")

_poll: Any = get_original("select", "poll")
_FLAGS = {Wait.R: select.POLLIN, Wait.W: select.POLLOUT, Wait.RW: select.POLLIN | select.POLLOUT}
_UNTIL = {Wait.R: wait_read, Wait.W: wait_write, Wait.RW: wait_readwrite}


class GeventConnection(Connection):
    """A connection of a process that is patched for gevent."""

    def _wait(self, gen: PQGen[Result], interval: float, timeout: float) -> Result:
        return wait_for_server(gen, self.pgconn.socket, interval, timeout)


def wait_for_server(
    gen: PQGen[Result],
    fileno: int,
    interval: float = 0.0,  # noqa: ARG001 - signals reach gevent's loop by themselves
    timeout: float | None = None,
) -> Result:
    """Go on with what psycopg does whenever the server is ready; as `psycopg.waiting.wait`."""
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        wanted = next(gen)
        while True:
            # There is nearly always room to write, and nearly never an answer yet.
            ready = _ready(fileno, wanted) if wanted & Wait.W else Ready.NONE
            if not ready:
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                expired = psycopg.errors._WaitTimeout("wait timeout expired")
                _UNTIL[wanted](fileno, left, expired)
                ready = Ready.R if wanted is Wait.R else _ready(fileno, wanted)
            wanted = gen.send(ready)
    except StopIteration as end:
        result: Result = end.value
        return result


def _ready(fileno: int, wanted: Wait) -> Ready:
    """Return what the socket is ready for now."""
    poll = _poll()
    poll.register(fileno, _FLAGS[wanted])
    ready = 0
    for _, events in poll.poll(0):
        # What is broken is ready for both: whoever tries learns of it.
        if events & ~select.POLLOUT:
            ready |= Wait.R & wanted
        if events & ~select.POLLIN:
            ready |= Wait.W & wanted
    return Ready(ready)
