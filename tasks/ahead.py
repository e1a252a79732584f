"""A worker whose jobs take milliseconds takes a message ahead for each child, so that none waits.

One whose jobs take longer takes none: what it holds back no idle worker can take. Should a job turn
out long while a message is held, it is hinted at again, and whoever is free takes that one.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any
from uuid import UUID

from celery import bootsteps
from celery.concurrency.prefork import TaskPool
from celery.worker import state

from tasks import node, pipes
from tasks.sweeper import JOB_QUEUES, HeldHint

QUICK_SECONDS = 0.05
LOOK_SECONDS = 0.01
ENOUGH_QUICK = 50  # jobs in a row
HELD_SECONDS = 0.25
RESTED_SECONDS = 5.0  # what comes after a rest may be of another kind


class Ahead(bootsteps.StartStopStep):
    """A part of Celery's consumer: decides whether one more message may come, and who gets it."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        """Made by Celery."""
        super().__init__(consumer, **options)
        self._pace = Pace()
        self._held = Held()
        self._has_taken_over = False
        self._ticks: Any = None

    def include_if(self, consumer: Any) -> bool:
        """Whether this worker does jobs, in children."""
        queues = set(consumer.app.amqp.queues.consume_from)
        return issubclass(consumer.controller.pool_cls, TaskPool) and bool(queues & set(JOB_QUEUES))

    def start(self, consumer: Any) -> None:
        """Ask us, on each new connection, after Celery's own limit has said no."""
        channel = consumer.task_consumer.channel
        may_consume = channel.qos.can_consume
        most = int(consumer.controller.max_concurrency or consumer.controller.concurrency)

        if not self._has_taken_over:
            self._has_taken_over = True
            pipes.take_over(consumer.pool, self._pace.is_quick)
            consumer.controller.semaphore.grow(most)  # twice as many may be given out

        def can_consume() -> bool:
            is_quick = self._pace.is_quick()
            if may_consume() or pipes.places_taken() < (2 * most if is_quick else most):
                return True
            # What Redis was asked for when there was a place may have left it already.
            return bool(channel._in_poll)

        channel.qos.can_consume = can_consume
        if consumer.hub is not None:
            if self._ticks is not None:  # Celery ends those of a connection with it, but not always
                self._ticks.cancel()
            self._ticks = consumer.hub.call_repeatedly(HELD_SECONDS, self._hint_at_held)

    def _hint_at_held(self) -> None:
        waiting = {
            request.id: request
            for request in state.reserved_requests
            if request not in state.active_requests
        }
        for id_ in self._held.look(waiting):
            if args := waiting[id_].args:
                node.tell_sweeper(HeldHint(UUID(args[0])))


class Held:
    """The messages that wait here for a child."""

    def __init__(self) -> None:
        """None does."""
        self._looks: dict[str, int] = {}

    def look(self, waiting: Collection[str]) -> list[str]:
        """Return those that were here at the last look too, each of them once."""
        self._looks = {id_: self._looks.get(id_, 0) + 1 for id_ in waiting}
        return [id_ for id_, looks in self._looks.items() if looks == 2]


class Pace:
    """How long the jobs of a worker take, as its main process sees them begin and end."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._began: dict[str, float] = {}
        self._taken = state.all_total_count[0]
        self._quick = 0
        self._looked_at = self._worked_at = 0.0
        self._is_quick = False

    def is_quick(self) -> bool:
        """Return what the last look said; asked a thousand times a second, it looks a hundred."""
        if time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._is_quick = self.look()
        return self._is_quick

    def look(self) -> bool:
        """Note what began and ended since the last look.

        Returns:
            Whether the last jobs were all quick, and those in work are no older than that.
        """
        now, looked_at, taken = time.monotonic(), self._looked_at, self._taken
        self._looked_at, self._taken = now, state.all_total_count[0]
        active = {request.id for request in state.active_requests}
        unseen = self._taken - taken - len(active - self._began.keys())
        for id_ in self._began.keys() - active:
            took = now - self._began.pop(id_)
            self._quick = self._quick + 1 if took < QUICK_SECONDS else 0
        if active or self._taken != taken:
            self._worked_at = now
        elif now - self._worked_at > RESTED_SECONDS:
            self._quick = 0
        if now - looked_at < QUICK_SECONDS:  # so what began and ended between was quick
            self._quick += unseen
        for id_ in active:
            self._began.setdefault(id_, now)
        return self._quick >= ENOUGH_QUICK and all(
            now - began < QUICK_SECONDS for began in self._began.values()
        )
