"""The way of an event that is the same for many, past the greenlet of each, to its socket.

To wake five hundred greenlets so that each frames and sends the same bytes takes twice as long as
to send them. Only what may wait for its reader is left to the reader's own greenlet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

# Where the server leaves, in the environment of a request, what opens an outlet.
OUTLET = "textback.outlet"


class Socket(Protocol):
    """What is used of a socket of gevent."""

    def send(self, data: bytes, flags: int, timeout: float) -> int:
        """Send some of it within this time."""

    def sendall(self, data: bytes) -> None:
        """Send all of it, however long that takes."""


class Outlet:
    """The socket of one answer that is sent in chunks, and has begun."""

    __slots__ = ("_rest", "_socket")

    def __init__(self, socket: Socket) -> None:
        """Made by the server, which has sent what opens the answer."""
        self._socket = socket
        self._rest = b""

    def send(self, chunk: bytes) -> bool:
        """Send a chunk without waiting; whether that has begun.

        Where it has begun only, `finish` sends the rest, before anything else may be sent. What
        breaks is not told here: the next to write, who may wait, meets it again.
        """
        if self._rest:
            return False
        try:
            sent = self._socket.send(chunk, 0, 0.0)
        except OSError:
            return False
        self._rest = chunk[sent:]
        return True

    @property
    def is_clear(self) -> bool:
        """Whether nothing is left to `finish`."""
        return not self._rest

    def finish(self) -> None:
        """Send what is left of a chunk that its reader had no room for, however long that takes.

        Raises:
            OSError: the reader is gone.
        """
        rest, self._rest = self._rest, b""
        if rest:
            self._socket.sendall(rest)


# None where the answer goes out otherwise: without chunks, through TLS, from another server.
OpenOutlet = Callable[[], Outlet | None]
