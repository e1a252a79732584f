"""What a worker's main process does beside Celery: it limits scheduled jobs and keeps a sweeper.

It stays free of threads, since it forks, and of Postgres, since it must never wait.
"""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from billiard.context import Process
from celery import bootsteps
from celery.concurrency.prefork import TaskPool

from celeryconfig import INTERACTIVE, SCHEDULED
from tasks import queue_order
from tasks.pipes import places_taken
from tasks.shutdown import worker_name
from tasks.sweeper import JOB_QUEUES, HeldHint, LostChild, Silence, Sweeper

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
# A question to Redis is answered after this long if no message comes. It names its queues, so
# while `scheduled` is left out it is short: another job of that queue may come as one ends.
ASK_SECONDS, ASK_SECONDS_WITHOUT_SCHEDULED = 1.0, 0.1
RESTART_SECONDS = 5.0  # a sweeper that dies at once is started again no sooner than this

_node: Node | None = None


def tell_sweeper(order: LostChild | HeldHint) -> None:
    """Have this worker's sweeper do what the main process must not wait for."""
    if _node is not None:
        _node.tell(order)


class Node(bootsteps.StartStopStep):
    """The part of a worker that is ours; Celery makes, starts and ticks it."""

    requires = ("celery.worker.components:Hub",)

    def __init__(self, worker: Any, **options: Any) -> None:
        """Prepare; nothing is started yet."""
        super().__init__(worker, **options)
        self._worker = worker
        self._silence = Silence()
        self._sweeper: Process | None = None
        self._orders = -1
        self._started_at = 0.0

    def include_if(self, worker: Any) -> bool:
        """Whether this worker does jobs, and in children: a solo one does its work itself."""
        return issubclass(worker.pool_cls, TaskPool) and bool(self._queues & set(JOB_QUEUES))

    def start(self, worker: Any) -> None:  # noqa: ARG002 - Celery's
        """Begin."""
        global _node  # noqa: PLW0603 - one a process
        _node = self
        if INTERACTIVE in self._queues:
            queue_order.ask_before_scheduled(self._may_take_scheduled)
        self._start_sweeper()

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        """Note each message, and look after everything once a second."""
        worker.consumer.on_task_message.add(self._on_message)
        hub.call_repeatedly(TICK_SECONDS, self._tick)

    def stop(self, worker: Any) -> None:
        """Leave the sweeper alone: it ends with this process, and is needed if that hangs."""

    def tell(self, order: LostChild | HeldHint) -> None:
        """Hand an order to the sweeper without waiting; if that fails, a sweep will do it later."""
        try:
            os.write(self._orders, order.to_line())
        except OSError as error:
            log.warning("sweeper not told: %s", type(error).__name__)

    def _on_message(self, *_: Any) -> None:
        self._silence.end()
        self._choose_patience()

    def _choose_patience(self) -> None:
        consumer = self._worker.consumer.task_consumer
        if consumer is None:  # on its way back to Redis
            return
        short = INTERACTIVE in self._queues and not self._may_take_scheduled()
        consumer.channel.brpop_timeout = ASK_SECONDS_WITHOUT_SCHEDULED if short else ASK_SECONDS

    def _tick(self) -> None:
        self._choose_patience()
        for queue in JOB_QUEUES:
            if not self._listens_to(queue):
                self._silence.end(queue)
        if self._worker.blueprint.state != bootsteps.RUN or self._sweeper is None:
            return
        if self._sweeper.exitcode is None or (
            time.monotonic() - self._started_at < RESTART_SECONDS
        ):
            return
        log.warning("the sweeper ended (exit code %s), starting it", self._sweeper.exitcode)
        self._sweeper.join()
        os.close(self._orders)
        self._start_sweeper()

    def _start_sweeper(self) -> None:
        main = os.getpid()
        orders, self._orders = os.pipe()
        os.set_blocking(self._orders, False)
        sweeper = Sweeper(
            orders=orders,
            main=main,
            worker=worker_name(self._worker.hostname, main=main),
            silence=self._silence,
        )
        self._started_at = time.monotonic()
        self._sweeper = Process(target=sweeper.run, name="Sweeper", daemon=True)
        self._sweeper.start()
        os.close(orders)

    @property
    def _queues(self) -> set[str]:
        return set(self._worker.app.amqp.queues.consume_from)

    @property
    def _most_jobs(self) -> int:
        """How many jobs run here at the same time, at most."""
        return int(self._worker.max_concurrency or self._worker.concurrency)

    def _listens_to(self, queue: str) -> bool:
        if queue not in self._queues or places_taken() >= self._most_jobs:
            return False
        return queue != SCHEDULED or INTERACTIVE not in self._queues or self._may_take_scheduled()

    def _may_take_scheduled(self) -> bool:
        """Whether a child is left for what somebody waits for, if a scheduled job comes now."""
        return places_taken(SCHEDULED) < max(1, self._most_jobs - 1)
