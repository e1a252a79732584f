"""A program that calls the API, and the real web process it calls."""

from __future__ import annotations

import socket
import subprocess
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cast import Person
from flask import Flask
from flask.testing import FlaskClient
from processes import Processes, wait_for
from werkzeug.test import TestResponse

from models import ApiToken, Database
from webapp.db import database as pool_of
from webapp.live import hub

MANY = 100_000


@dataclass
class Api:
    """A program with a token, or without one."""

    client: FlaskClient
    token: str | None
    person_id: UUID | None = None

    def get(self, path: str, **more: Any) -> TestResponse:
        """GET an address under /api/v1, or any other."""
        return self.open(path, method="GET", **more)

    def post(self, path: str, **more: Any) -> TestResponse:
        """POST to it."""
        return self.open(path, method="POST", **more)

    def open(self, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> Any:
        """Send a request with the token."""
        sent = dict(headers or {})
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        address = path if path.startswith("/") else f"/api/v1/{path}"
        answer = self.client.open(address, headers=sent, **more)
        if "data" in more:
            answer.request.environ["wsgi.input"].close()  # the client leaves its own file open
        return answer

    def submit(self, kind: str = "count_slowly", **more: Any) -> dict[str, Any]:
        """Submit a job, whatever else runs, and return its JSON."""
        answer = self.post("jobs", json={"kind": kind, "force": True, **more})
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.get_json()
        return job


def close_app(app: Flask) -> None:
    """Let go of what an application holds."""
    hub(app).close()
    with app.app_context():
        pool_of().dispose()


def make_token(database: Database, person: Person) -> str:
    """Make a token for somebody."""
    with database.owner(person.id) as session:
        return ApiToken.create(session, person.id, "a test")


def free_port() -> int:
    """Return a port nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Web:
    """A real web process that answers."""

    address: str
    process: subprocess.Popen[bytes]


def start_web(processes: Processes, **environment: str) -> Web:
    """Start a real `textback web` with one worker and wait until it answers."""
    port = str(free_port())
    address = f"http://127.0.0.1:{port}"
    # All of a run's people come from one address, and many have the same number.
    limits = {
        "SUBMITS_PER_MINUTE": str(MANY),
        "CODES_PER_ADDRESS_A_DAY": str(MANY),
        "CODES_PER_NUMBER_A_DAY": "1000",
    }
    defaults = {"PORT": port, "BASE_URL": address, "WEB_WORKERS": "1", **limits}
    process = processes.start("web", **{**defaults, **environment})

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    wait_for(answers, 30, "the web process")
    return Web(address, process)
