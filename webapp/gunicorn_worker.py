"""gunicorn's gevent worker, which also lets go of open event streams when it is asked to stop."""

from __future__ import annotations

from typing import Any

import gevent
from gunicorn.workers.ggevent import GeventWorker


class StreamWorker(GeventWorker):
    """Ends every stream at once on a stop: its client reconnects to the next process."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop taking requests; the others are finished within the grace period."""
        super().handle_exit(sig, frame)
        # Not in the signal handler, where no lock may be taken.
        gevent.spawn(self._close_streams)

    def _close_streams(self) -> None:
        from webapp.live import hub

        hub(self.wsgi).close()
