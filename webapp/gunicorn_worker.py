"""gunicorn's gevent worker, which also lets go of open event streams when it is asked to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gevent
from gunicorn.workers.ggevent import GeventWorker

if TYPE_CHECKING:
    from flask import Flask

_REST_SECONDS = 0.05


class StreamWorker(GeventWorker):
    """Ends every stream at once on a stop: its client reconnects to the next process."""

    def run(self) -> None:
        """Serve, and read the templates meanwhile: nobody waits for them at their first page."""
        gevent.spawn(_read_templates, self.wsgi)
        super().run()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop taking requests; the others are finished within the grace period."""
        super().handle_exit(sig, frame)
        # Not in the signal handler, where no lock may be taken.
        gevent.spawn(self._close_streams)

    def _close_streams(self) -> None:
        from webapp.live import hub

        hub(self.wsgi).close()


def _read_templates(app: Flask) -> None:
    """Read them all, with rests in which requests are answered."""
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)
        gevent.sleep(_REST_SECONDS)
