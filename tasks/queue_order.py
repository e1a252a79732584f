"""In what order a worker listens to its queues: what somebody waits for comes first."""

from __future__ import annotations

from collections.abc import Callable

from kombu.utils.scheduling import priority_cycle

from celeryconfig import INTERACTIVE, SCHEDULED

_may_take_scheduled: Callable[[], bool] = lambda: True  # noqa: E731


def ask_before_scheduled(may_take: Callable[[], bool]) -> None:
    """Let a worker that serves both queues say whether it may take another scheduled job now."""
    global _may_take_scheduled  # noqa: PLW0603 - one worker a process
    _may_take_scheduled = may_take


class InteractiveFirst(priority_cycle):
    """The queues in order, as kombu asks for them before it listens to Redis.

    `scheduled` is left out while as many scheduled jobs are in work as may be, so that one child
    is always free for what somebody waits for. A worker of `scheduled` alone has no such limit.
    """

    def consume(self, n: int) -> list[str]:
        """Return the queues to listen to now, the one to serve first at the front."""
        queues = sorted(self.items[:n], key=lambda queue: queue != INTERACTIVE)
        if INTERACTIVE in queues and not _may_take_scheduled():
            queues = [queue for queue in queues if queue != SCHEDULED]
        return queues
