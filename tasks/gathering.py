"""What Flower is told is gathered for a moment: told one by one, it took a third of a busy worker's
main process, which is what limits how many jobs a worker can hand out.
"""

from __future__ import annotations

from typing import Any

from celery import bootsteps

GATHER_SECONDS = 0.1
MOST_GATHERED = 1000


class Gathering(bootsteps.StartStopStep):
    """A part of Celery's consumer: sends its events together, ten times a second at most."""

    requires = ("celery.worker.consumer.events:Events",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        """Made by Celery."""
        super().__init__(consumer, **options)
        self._is_due = False

    def start(self, consumer: Any) -> None:
        """Take over from the dispatcher that was made for this connection."""
        if consumer.hub is not None:
            consumer.event_dispatcher.on_send_buffered = lambda: self._soon(consumer)
            consumer.event_dispatcher.buffer_limit = MOST_GATHERED

    def stop(self, consumer: Any) -> None:
        """Send what waits, or Flower would show the last jobs running for ever."""
        self._send(consumer)

    def _soon(self, consumer: Any) -> None:
        if not self._is_due:
            self._is_due = True
            consumer.hub.call_later(GATHER_SECONDS, self._send, consumer)

    def _send(self, consumer: Any) -> None:
        self._is_due = False
        if consumer.event_dispatcher is not None:
            consumer.event_dispatcher.flush()
