"""Somebody who uses the product over HTTP, and does not give up when it breaks."""

from __future__ import annotations

import http.client
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

if TYPE_CHECKING:
    from faults.harness.cluster import Cluster

TIMEOUT_SECONDS = 10
# The server closes a connection that idles for longer (keepalive in webapp/gunicorn_config.py).
IDLE_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


class NoAnswerError(Exception):
    """The request failed on its way; what became of it is not known."""


class _Lines(threading.local):
    """A thread's open connections, by address."""

    def __init__(self) -> None:
        self.open: dict[str, tuple[http.client.HTTPConnection, float]] = {}


_lines = _Lines()


class Person:
    """A person of a cluster."""

    def __init__(
        self, cluster: Cluster, owner_id: UUID, token: str, phone: str | None = None
    ) -> None:
        """Made by `Cluster.person`."""
        self.id = owner_id
        self.phone = phone
        self.token = token
        self._cluster = cluster

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        web: str = "web-1",
        headers: dict[str, str] | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> Answer:
        """Send one request to one web process.

        Args:
            method: GET, POST …
            path: under /api/v1, or any other when it begins with a slash.
            body: sent as JSON.
            web: which web process.
            headers: more of them.
            timeout: seconds to wait.

        Raises:
            NoAnswerError: no answer came.
        """
        address = path if path.startswith("/") else f"/api/v1/{path}"
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        address_of_web = self._cluster.addresses[web]
        connection = _line(address_of_web, timeout)
        try:
            connection.request(method, address, content, sent)
            answer = connection.getresponse()
            found = Answer(answer.status, dict(answer.getheaders()), answer.read())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise NoAnswerError(f"{method} {address}: {error!r}") from error
        _lines.open[address_of_web] = (connection, time.monotonic())
        return found

    def submit_body(self, kind: str, *, notify: str = "none", **params: Any) -> dict[str, Any]:
        """Return the body of a request for a job."""
        return {"kind": kind, "notify": notify, "params": params}

    def submit(
        self, kind: str = "steady", *, notify: str = "none", web: str = "web-1", **params: Any
    ) -> str:
        """Ask for a job once, be it like one that runs, and return its id."""
        body = {**self.submit_body(kind, notify=notify, **params), "force": True}
        answer = self.request("POST", "jobs", body, web=web, headers=new_key())
        assert answer.status in (200, 202), (answer.status, answer.body)
        return str(answer.json()["id"])

    def answers(self, address: str) -> bool:
        """Tell whether a web process answers."""
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def close_lines() -> None:
    """Close the connections of this thread."""
    for connection, _ in _lines.open.values():
        connection.close()
    _lines.open.clear()


def _line(address: str, timeout: float) -> http.client.HTTPConnection:
    connection, used_at = _lines.open.pop(address, (None, 0.0))
    if connection is not None and time.monotonic() - used_at > IDLE_SECONDS:
        connection.close()
        connection = None
    if connection is None:
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.timeout = timeout
    if connection.sock is not None:
        connection.sock.settimeout(timeout)
    return connection


def new_key() -> dict[str, str]:
    """Return the header that makes a request safe to repeat."""
    return {"Idempotency-Key": str(uuid4())}
