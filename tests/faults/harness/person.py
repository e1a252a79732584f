"""Somebody who uses the product over HTTP, and does not give up when it breaks."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

if TYPE_CHECKING:
    from faults.harness.cluster import Cluster

TIMEOUT_SECONDS = 10
PAUSE_SECONDS = 0.2
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


class Person:
    """A person of a cluster; use one in one thread at a time."""

    def __init__(self, cluster: Cluster, owner_id: UUID, token: str) -> None:
        """Made by `Cluster.person`."""
        self.id = owner_id
        self.token = token
        self._cluster = cluster
        self._connections: dict[str, http.client.HTTPConnection] = {}
        self._used_at = 0.0

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
        connection = self._connection(web, timeout)
        try:
            connection.request(method, address, content, sent)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        except (OSError, http.client.HTTPException) as error:
            self._forget(web)
            raise NoAnswerError(f"{method} {address}: {error!r}") from error

    def submit_body(self, kind: str, *, notify: str = "none", **params: Any) -> dict[str, Any]:
        """Return the body of a request for a job."""
        return {"kind": kind, "notify": notify, "params": params}

    def submit(
        self, kind: str = "steady", *, notify: str = "none", web: str = "web-1", **params: Any
    ) -> str:
        """Ask for a job once and return its id."""
        body = self.submit_body(kind, notify=notify, **params)
        answer = self.request("POST", "jobs", body, web=web, headers=_key())
        assert answer.status in (200, 202), (answer.status, answer.body)
        return str(answer.json()["id"])

    def submit_surely(
        self, body: dict[str, Any], *, webs: list[str], deadline: float
    ) -> tuple[str, int]:
        """Ask for a job until it is accepted, each time with the same Idempotency-Key.

        Returns:
            Its id and how many times it was asked for.
        """
        headers, tries = _key(), 0
        while True:
            web = webs[tries % len(webs)]
            tries += 1
            try:
                answer = self.request("POST", "jobs", body, web=web, headers=headers)
            except NoAnswerError:
                pass
            else:
                if answer.status in (200, 202):
                    return str(answer.json()["id"]), tries
                # Away, overwhelmed, or the first of the same key is still on its way.
                assert answer.status in (409, 429, 500, 502, 503), (answer.status, answer.body)
            if time.monotonic() > deadline:
                raise TimeoutError(f"not accepted after {tries} tries")
            time.sleep(PAUSE_SECONDS)

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

    def close(self) -> None:
        """Close the connections."""
        for web in list(self._connections):
            self._forget(web)

    def _connection(self, web: str, timeout: float) -> http.client.HTTPConnection:
        connection = self._connections.get(web)
        idle, self._used_at = time.monotonic() - self._used_at, time.monotonic()
        if connection is None or idle > IDLE_SECONDS:
            self._forget(web)
            parts = urlsplit(self._cluster.addresses[web])
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
            self._connections[web] = connection
        connection.timeout = timeout
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        return connection

    def _forget(self, web: str) -> None:
        connection = self._connections.pop(web, None)
        if connection is not None:
            connection.close()


def _key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}
