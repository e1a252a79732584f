"""After everything ran: no number, code or token in logs, Flower, Redis or the database."""

from __future__ import annotations

import json
import os
import re
import time
import urllib.error
import urllib.request
import zlib
from base64 import b64encode
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from api_client import free_port, make_token, start_web
from cast import Person
from everywhere import Found, Wanted, in_database, in_files, in_pages, in_redis
from factories import make_job, new_number
from flower_client import ask_flower
from itsdangerous import base64_decode
from processes import Processes, wait_for

from models import Database, Settings
from tasks.providers.sms.console import FILE_NAME
from webapp.application import COOKIE_NAME

FLOWER_PAGES = (
    "/",
    "/workers",
    "/tasks",
    "/broker",
    "/api/tasks",
    "/api/workers",
    "/api/queues/length",
)


class Caller:
    """A program with a token, and a browser with a cookie, at one address."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._token = token
        self.cookies = CookieJar()
        self._browser = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies)
        )

    def api(self, path: str, body: object = None) -> dict[str, Any]:
        """Call the API."""
        request = urllib.request.Request(
            f"{self._address}/api/v1/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def open(self, path: str) -> int:
        """Open a page; returns the status, whatever it is."""
        try:
            with self._browser.open(self._address + path, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def session_secret(self) -> str:
        """Return what the browser's signed cookie holds."""
        [cookie] = [cookie for cookie in self.cookies if cookie.name == COOKIE_NAME]
        assert cookie.value is not None
        payload = cookie.value.lstrip(".")
        raw = base64_decode(payload.split(".")[0])
        secret: str = json.loads(zlib.decompress(raw) if cookie.value != payload else raw)["secret"]
        return secret


def test_a_full_run_leaves_nothing_in_clear(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    sweeps: Callable[[], None],
    owner_connection: psycopg.Connection,
    valkey_client: redis.Redis,  # type: ignore[type-arg]
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A code, a search with a text, its link opened, an error with a traceback on either side; the
    texts that /dev/phone keeps are apart.
    """
    flower_port = free_port()
    own = {"DATA_DIR": str(tmp_path / "data")}
    web = start_web(processes, **own)
    processes.start("worker", "--concurrency", "1", **own)
    processes.start(
        "worker", "--queues", "notifications", "--name", "texts", "--pool", "solo", **own
    )
    processes.start("flower", FLOWER_PORT=str(flower_port), **own)
    sweeps()
    wait_for(lambda: ask_flower(flower_port, "/healthcheck"), 40, "Flower")
    number, token = new_number(), make_token(database, person_a)
    caller = Caller(web.address, token)
    texts = tmp_path / "data" / FILE_NAME

    asked = caller.api("phone-verifications", {"phone": number})
    code = wait_for(lambda: _in_texts(texts, r"\b\d{6}\b"), 40, "the code")
    caller.api(f"phone-verifications/{asked['id']}/attempts", {"code": code})
    job = caller.api("jobs", {"kind": "count_slowly", "params": {}, "notify": "sms"})
    link = wait_for(lambda: _in_texts(texts, r"/r/([\w-]{22})"), 40, "the text")
    assert caller.open("/") == 200
    assert caller.open(f"/r/{link}") == 200
    owner_connection.execute("revoke select on result_links from textback_gate")
    try:
        assert caller.open(f"/r/{link}") == 500
    finally:
        owner_connection.execute("grant select on result_links to textback_gate")
    secret = caller.session_secret()
    wanted = Wanted(numbers=[number], codes=[code], token=token, session=secret, link=link)
    told = tmp_path / "told"
    told.write_text(
        f"{number} 0{number[3:]} code {code} {token} /r/{link} Cookie: session={secret}"
    )
    broken = make_job(database, settings, person_a.id, kind="tattling", params={"marks": str(told)})
    shown = wait_for(lambda: _shown(flower_port, {job["id"], str(broken)}), 40, "both in Flower")
    seen_at = time.time()
    wait_for(lambda: _saved_at(tmp_path / "data") > seen_at, 20, "Flower's file")

    pages = {path: ask_flower(flower_port, path) or b"" for path in (*FLOWER_PAGES, *shown)}
    assert all(pages.values())
    logs = [*(tmp_path / "logs").glob("*"), *tmp_path_factory.getbasetemp().glob("*/*.log")]
    assert len(logs) >= 8
    assert "attempt broke" in "".join(path.read_text() for path in logs)
    places = [*logs, *(tmp_path / "data").glob("flower*")]

    def look() -> list[Found]:
        return [
            *in_files(wanted, places),
            *in_pages(wanted, pages),
            *in_redis(wanted, valkey_client),
            *in_database(wanted, owner_connection),
        ]

    assert look() == []
    assert {found.what for found in in_files(wanted, [texts])} == {"number", "code", "link"}

    _leave_traces(owner_connection, valkey_client, tmp_path / "logs" / "careless.log", number, code)
    try:
        assert {(found.what, found.where.rpartition("/")[2]) for found in look()} >= {
            ("number", "operator_events.detail"),
            ("number", "daily_counters.key"),
            ("code", "operator_events.subject"),
            ("number", "redis b'left'"),
        }
        assert in_files(wanted, [tmp_path / "logs" / "careless.log"])
    finally:
        owner_connection.execute("delete from operator_events where event = 'careless'")
        owner_connection.execute("delete from daily_counters where scope = 'careless'")


def test_without_the_filter_the_same_error_tells_everything(
    database: Database,
    settings: Settings,
    person_a: Person,
    processes: Processes,
    tmp_path: Path,
) -> None:
    """So the test above can fail."""
    (tmp_path / "sitecustomize.py").write_text(
        "import models.log_filter\nmodels.log_filter.masked = lambda words: words\n"
    )
    tests = Path(__file__).parents[2]
    path = os.pathsep.join(map(str, (tmp_path, tests / "extra_kinds", tests.parent)))
    processes.start("worker", "--concurrency", "1", PYTHONPATH=path)
    number = new_number()
    told = tmp_path / "told"
    told.write_text(f"0{number[3:5]}-{number[5:9]}-{number[9:]} code 123456 /r/{'aB3' * 7}x")
    make_job(database, settings, person_a.id, kind="tattling", params={"marks": str(told)})
    wanted = Wanted(numbers=[number], codes=["123456"], link="aB3" * 7)
    log = tmp_path / "logs"
    wait_for(lambda: "because of" in processes.log(), 40, "the error")
    assert {found.what for found in in_files(wanted, log.glob("*"))} == {"number", "code", "link"}


def _leave_traces(
    connection: psycopg.Connection, client: Any, log: Path, number: str, code: str
) -> None:
    """Do what the product must never do."""
    spelled = f"{number[:3]} {number[3:5]}-{number[5:9]}-{number[9:]}"
    connection.execute(
        "insert into operator_events (event, subject, detail) values ('careless', %s, %s)",
        (f"it is {code}.", json.dumps({"to": [spelled]})),
    )
    connection.execute(
        "insert into daily_counters (day, scope, key, count)"
        " values (current_date, 'careless', %s, 1)",
        (number.encode(),),
    )
    client.set("left", b64encode(b'{"to": "' + number.encode() + b'"}'))
    log.write_text(f"sent to {spelled}\n")


def _saved_at(folder: Path) -> float:
    """When Flower last wrote; which files that makes depends on Python's dbm."""
    return max((path.stat().st_mtime for path in folder.glob("flower*")), default=0)


def _in_texts(texts: Path, pattern: str) -> str | None:
    """Return the newest thing of this form in a text."""
    if not texts.exists():
        return None
    bodies = [json.loads(line)["body"] for line in texts.read_text().splitlines()]
    found = [match for body in bodies for match in re.findall(pattern, body)]
    return found[-1] if found else None


def _shown(port: int, jobs: set[str]) -> list[str] | None:
    """Return the pages of all tasks once Flower knows how those about these jobs ended."""
    tasks = json.loads(ask_flower(port, "/api/tasks") or b"{}")
    ended = {
        job
        for job in jobs
        for task in tasks.values()
        if job in str(task["args"]) and task["state"] in ("SUCCESS", "FAILURE")
    }
    return [f"/task/{task_id}" for task_id in tasks] if ended == jobs else None
