"""gunicorn's gevent worker, which also lets go of open event streams when it is asked to stop, and
lets events go past the greenlets that hold them open.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import gevent
from gevent.socket import socket as Socket  # noqa: N812 - a class, whatever its name
from gunicorn.http.wsgi import Response
from gunicorn.workers.ggevent import GeventWorker

from webapp.outlet import OUTLET, Outlet


class StreamWorker(GeventWorker):
    """Ends every stream at once on a stop: its client reconnects to the next process."""

    wsgi: Any

    def load_wsgi(self) -> None:
        """Load the application, and tell it with each request how to get at its socket."""
        from webapp.warm_up import greet

        super().load_wsgi()
        self._application, self.wsgi = self.wsgi, self._answer
        greet(self._application)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop taking requests; the others are finished within the grace period."""
        super().handle_exit(sig, frame)
        # Not in the signal handler, where no lock may be taken.
        gevent.spawn(self._close_streams)

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer = getattr(start_response, "__self__", None)
        environ[OUTLET] = partial(_open_outlet, answer, environ.get("gunicorn.socket"))
        answered: Iterable[bytes] = self._application(environ, start_response)
        return answered

    def _close_streams(self) -> None:
        from webapp.live import hub

        hub(self._application).close()


def _open_outlet(answer: Any, socket: Any) -> Outlet | None:
    """Return the way to the socket of an answer, if what is sent is what goes over the wire."""
    if type(answer) is not Response or type(socket) is not Socket:
        return None
    return Outlet(socket) if answer.chunked and answer.headers_sent else None
