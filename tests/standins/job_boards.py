"""A stand-in for Indeed and LinkedIn: what python-jobspy asks of them, answered as told.

The library's own code speaks to it, by the addresses its classes carry:

    boards = JobBoardsStandIn()
    boards.point_to(monkeypatch)
    boards.indeed.jobs = [indeed_job(title="Backend developer")]
    boards.linkedin.status = 429                       # refuses, with this status
    boards.linkedin.gate.clear()                       # hangs, until gate.set()
    boards.indeed.asked                                # each request: its body, or its path
"""

from __future__ import annotations

import html
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

LINKEDIN_PATH = "/jobs-guest/jobs/api/seeMoreJobPostings/search"


@dataclass
class Board:
    """How one board behaves.

    Attributes:
        jobs: what it lists.
        status: what it answers with; 200 unless told.
        then: what it answers with from the second request on, if something else.
        body: another answer than a list, as it is.
        gate: closed, it does not answer.
        asked: what it was asked, in order, and at which moment of the monotonic clock.
    """

    jobs: list[Any] = field(default_factory=list)
    status: int = 200
    then: int | None = None
    body: str | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    asked_at: list[float] = field(default_factory=list)


class JobBoardsStandIn:
    """Two boards on loopback, for as long as a test."""

    def __init__(self) -> None:
        self.indeed, self.linkedin = Board(), Board()
        self.indeed.gate.set()
        self.linkedin.gate.set()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
                board = stand_in.indeed
                listed = {
                    "pageInfo": {"nextCursor": None},
                    "results": [{"job": job} for job in board.jobs],
                }
                self._answer(board, asked, json.dumps({"data": {"jobSearch": listed}}))

            def do_GET(self) -> None:
                board = stand_in.linkedin
                is_first = "start=0" in self.path
                cards = "".join(board.jobs) if is_first else ""
                self._answer(board, self.path, cards or "<!DOCTYPE html>")

            def _answer(self, board: Board, asked: str, listing: str) -> None:
                board.asked.append(asked)
                board.asked_at.append(time.monotonic())
                board.gate.wait(30)
                body = (listing if board.body is None else board.body).encode()
                is_first = len(board.asked) == 1
                self.send_response(board.status if is_first else board.then or board.status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def point_to(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have the library ask here."""
        from jobspy import Indeed, LinkedIn

        monkeypatch.setattr(Indeed, "api_url", f"{self.url}/graphql")
        monkeypatch.setattr(LinkedIn, "base_url", self.url)
        monkeypatch.setattr(LinkedIn, "delay", (0, 0))

    def close(self) -> None:
        self.indeed.gate.set()
        self.linkedin.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def indeed_job(**told: Any) -> dict[str, Any]:
    """Return a job as Indeed's interface lists it.

    Args:
        told: `title`, `company`, `city`, `country`, `pay` (least, most, unit, currency), `html`,
            `key`, `remote`.
    """
    least, most, unit, currency = told.get("pay") or (None, None, None, None)
    pay = {"unitOfWork": unit, "range": {"min": least, "max": most}}
    return {
        "key": told.get("key", "k1"),
        "title": told.get("title", "Backend developer"),
        "sourceEmployerName": told.get("company", "Larkfield Works"),
        "dateOnIndeed": told.get("posted_ms", int(time.time() * 1000)),
        "description": {"html": told.get("html", "<p>Flask &amp; <b>Celery</b></p>")},
        "employer": None,
        "location": {"countryCode": told.get("country", "KR"), "city": told.get("city", "Seoul")},
        "recruit": {"viewJobUrl": None},
        "attributes": [{"key": "DSQF7"}] if told.get("remote") else [],
        "compensation": {
            "baseSalary": pay if unit else None,
            "currencyCode": currency,
            "estimated": None,
        },
    }


def linkedin_card(**told: Any) -> str:
    """Return a job as LinkedIn's page lists it: `title`, `company`, `location`, `number`, `day`."""
    title = html.escape(told.get("title", "Backend developer"))
    company = html.escape(told.get("company", "Larkfield Works"))
    location = html.escape(told.get("location", "Seoul, South Korea"))
    number = told.get("number", 42)
    return (
        f'<li><div class="base-search-card" data-entity-urn="urn:li:jobPosting:{number}">'
        f'<h3 class="base-search-card__title">{title}</h3>'
        f'<h4 class="base-search-card__subtitle"><a href="https://example.com/c">{company}</a></h4>'
        f'<span class="job-search-card__location">{location}</span>'
        f'<time datetime="{told.get("day", "2026-11-20")}"></time></div></li>'
    )
