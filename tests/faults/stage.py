"""The stage of the directed faults: a cluster with a proxy on every line, and people who ask.

web-1 ── web_postgres ──┐               ┌── node_postgres ── nodes
   └──── web_redis ─────┤  the servers  ├── node_redis ────────┘
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import psycopg
from processes import wait_for
from psycopg.rows import dict_row

from faults.harness.checker import Checker
from faults.harness.cluster import Cluster
from faults.proxy import Proxy

# With the waits of production, and faults that last: `make faults-matrix`.
IS_LONG = bool(os.environ.get("FAULTS_LONG"))
# A process that a busy machine has stand still for two seconds has not lost its job.
LEASE_SECONDS = 4
MOST_CONNECTIONS = 50
PHASES = ("before", "inside", "committed", "told")  # of each step, see points.py
FINAL = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back from the web process; status 0 when nothing did."""

    status: int
    body: Any
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> UUID:
        """The id of the job it is about."""
        assert self.status in (200, 202), self
        return UUID(self.body["id"])

    def is_away(self, within: float) -> bool:
        """Tell whether it is the answer of a web process without its database, and came soon."""
        return (
            self.status == 503
            and self.body["code"] == "database_unavailable"
            and int(self.headers["Retry-After"]) > 0
            and self.seconds < within
        )


@dataclass(frozen=True)
class Caller:
    """Somebody's program."""

    address: str
    owner_id: UUID
    token: str

    def ask(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        timeout: float = 15,
        **headers: str,
    ) -> Reply:
        """GET, or POST a body; never raises for what the network or the server does."""
        request = self.request(path, body, **headers)
        began = time.monotonic()
        try:
            try:
                answer = urllib.request.urlopen(request, timeout=timeout)
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                return _reply(answer, began)
        except (OSError, ValueError, http.client.HTTPException) as error:
            return Reply(0, repr(error), time.monotonic() - began)

    def request(
        self, path: str, body: Mapping[str, Any] | None = None, **headers: str
    ) -> urllib.request.Request:
        """Return the request, not sent yet."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return urllib.request.Request(
            f"{self.address}/api/v1/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                **sent,
            },
        )

    def submit(self, kind: str = "steady", key: str | None = None, **params: Any) -> Reply:
        """Submit a job, another question each time; `key` is the Idempotency-Key."""
        headers = {} if key is None else {"Idempotency_Key": key}
        params.setdefault("label", secrets.token_hex(8))
        return self.ask("jobs", {"kind": kind, "params": params}, **headers)

    def cancel(self, job_id: UUID) -> Reply:
        """Ask for a job to stop."""
        return self.ask(f"jobs/{job_id}/cancellation", {})


def _reply(answer: Any, began: float) -> Reply:
    raw = answer.read()
    return Reply(
        answer.status, json.loads(raw) if raw else None, time.monotonic() - began, answer.headers
    )


class Stage(Cluster):
    """A cluster whose processes reach the servers through proxies."""

    def __init__(self, folder: Path, **environment: str) -> None:
        """Choose what all tests share; nothing is started yet."""
        super().__init__(
            folder,
            lease_seconds=LEASE_SECONDS,
            patches=["faults.points"],
            environment={"FAULTS_ARMED": str(folder / "armed"), **environment},
            # The machine does not lose its power here, so nothing is lost by this.
            postgres_settings={"fsync": "off", "max_connections": str(MOST_CONNECTIONS)},
        )
        self.armed = folder / "armed"
        self.armed.mkdir()

    def start_servers(self) -> None:
        """Start the servers, and a proxy on each line to them."""
        super().start_servers()
        servers = {name: self.environment[name] for name in ("DATABASE_URL", "REDIS_URL")}
        self.web_postgres, self.node_postgres, self.web_redis, self.node_redis = self.proxies = [
            Proxy.to(servers[name])
            for name in ("DATABASE_URL", "DATABASE_URL", "REDIS_URL", "REDIS_URL")
        ]
        self.web_lines = {
            "DATABASE_URL": self.web_postgres.through(servers["DATABASE_URL"]),
            "REDIS_URL": self.web_redis.through(servers["REDIS_URL"]),
        }
        self.environment["DATABASE_URL"] = self.node_postgres.through(servers["DATABASE_URL"])
        self.environment["REDIS_URL"] = self.node_redis.through(servers["REDIS_URL"])

    def start_web(self, name: str = "web-1", *, restart: bool = True, **environment: str) -> str:
        """Start a web process, with proxies of its own."""
        return super().start_web(name, restart=restart, **{**self.web_lines, **environment})

    def stop(self) -> None:
        """End everything, the proxies too."""
        for proxy in getattr(self, "proxies", ()):
            proxy.heal()
        super().stop()
        for proxy in getattr(self, "proxies", ()):
            proxy.close()

    # People

    def make_caller(self, web: str = "web-1") -> Caller:
        """Make somebody with an account and a token, who calls one web process."""
        person = self.person()
        return Caller(self.addresses[web], person.id, person.token)

    # Rows

    @contextmanager
    def owner_connection(self) -> Iterator[psycopg.Connection[dict[str, Any]]]:
        """A connection that sees everything, past proxies and policies."""
        with psycopg.connect(
            self.postgres.owner_url(), autocommit=True, row_factory=dict_row, connect_timeout=5
        ) as connection:
            yield connection

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Read as the tables' owner."""
        with self.owner_connection() as connection:
            return connection.execute(statement, values).fetchall()

    def job(self, job_id: UUID) -> dict[str, Any]:
        """Return a job's row."""
        return self.rows("select * from jobs where id = %s", job_id)[0]

    def jobs_of(self, caller: Caller) -> set[UUID]:
        """Return all jobs somebody has."""
        found = self.rows("select id from jobs where owner_id = %s", caller.owner_id)
        return {row["id"] for row in found}

    def events(self, job_id: UUID) -> list[str]:
        """Return what happened to a job, in order."""
        found = self.rows("select event from job_events where job_id = %s order by id", job_id)
        return [row["event"] for row in found]

    def attempts(self, job_id: UUID) -> list[Any]:
        """Return what the ledger says of each attempt of a job, the first one first."""
        found = self.ledger.read().items()
        mine = [(key.fence, account) for key, account in found if key.job_id == str(job_id)]
        return [account for _, account in sorted(mine, key=lambda pair: pair[0])]

    def wait_until_running(self, job_id: UUID, seconds: float = 30) -> Any:
        """Wait until a job is being worked on, and return what the ledger says of the attempt."""
        return wait_for(lambda: self.attempts(job_id), seconds, f"the start of {job_id}")[-1]

    def wait_until_ended(
        self, job_ids: Iterable[UUID], seconds: float = 60
    ) -> dict[UUID, dict[str, Any]]:
        """Wait until all of these have ended and return their rows."""
        wanted = set(job_ids)
        statement = "select * from jobs where id = any(%s) and status = any(%s)"

        def ended() -> list[dict[str, Any]] | None:
            found = self.rows(statement, list(wanted), list(FINAL))
            return found if len(found) == len(wanted) else None

        try:
            found = wait_for(ended, seconds)
        except AssertionError:
            left = self.rows(
                "select id, kind, status, attempt, worker, dispatched_at, now(), lease_until"
                " from jobs where id = any(%s) and not status = any(%s)",
                list(wanted),
                list(FINAL),
            )
            raise AssertionError(f"not ended after {seconds} s: {left}; {self.logs}") from None
        return {row["id"]: row for row in found}

    def check_ended_once(self, job_ids: Iterable[UUID], *, attempts: int | None = None) -> None:
        """Look that each job succeeded, by one end; `attempts` when nothing may have been lost."""
        for job_id in job_ids:
            row, told = self.job(job_id), self.events(job_id)
            assert row["status"] == "succeeded", (row, told)
            assert [word for word in told if word in FINAL] == ["succeeded"], told
            assert (told[0], told[-1]) == ("enqueued", "succeeded"), told
            assert self.attempts(job_id)[-1].ended
            if attempts is not None:
                assert row["attempt"] == attempts, (row, told)

    # Faults

    def arm(self, point: str, deed: str) -> Path:
        """Let whoever comes by a point first do a deed, once; the file goes when it is done."""
        armed = self.armed / f"{point}--{deed}--{secrets.token_hex(4)}"
        armed.touch()
        return armed

    @contextmanager
    def frozen(self, process: subprocess.Popen[bytes] | None) -> Iterator[None]:
        """Stop a server and all its children where they stand."""
        assert process is not None
        head = psutil.Process(process.pid)
        head.suspend()  # so that it starts no other meanwhile
        stopped = [head, *head.children(recursive=True)]
        try:
            for one in stopped[1:]:
                with suppress(psutil.NoSuchProcess):
                    one.suspend()
            yield
        finally:
            for one in stopped:
                with suppress(psutil.NoSuchProcess):
                    one.resume()

    # Between tests

    def mend(self) -> None:
        """Make everything whole again, and leave no job to do."""
        for proxy in self.proxies:
            proxy.heal()
            proxy.reset_silent()
        for armed in self.armed.iterdir():
            armed.unlink(missing_ok=True)
        for server, start in (
            (self.postgres, self.start_postgres),
            (self.valkey, self.start_valkey),
        ):
            if server.process is None or server.process.poll() is not None:
                start()
            server.wait_ready()
        for name in self.nodes:
            self.kill_group(name, signal.SIGCONT)
        self.wait_serving()
        self.forget()

    def forget(self) -> None:
        """Leave no job and no hint, as if none had ever been."""
        with self.redis() as client, self.owner_connection() as connection:
            client.flushdb()
            connection.execute("set lock_timeout = '20s'")
            # In the order in which the sweeps lock them.
            connection.execute("truncate occurrences, jobs, audit cascade")
        wait_for(lambda: not self._working(), what="children that notice that their job is gone")

    def _working(self) -> set[int]:
        """Return the children that live and have begun a job and not left it."""
        begun = {account.pid for account in self.ledger.open_attempts().values()}
        return begun & {child for name in self.nodes for child in self.children(name)}

    def check(self) -> None:
        """Look that what is promised of every job holds for all there are now."""
        checker = Checker(self)
        findings = [
            checker.completed_once(),
            checker.ends_stand(),
            checker.no_late_write(),
            checker.progress_never_falls(),
            checker.cap_kept(),
            checker.no_early_rescue(),
        ]
        broken = {finding.name: finding.broken for finding in findings if not finding.holds}
        assert not broken, broken


@contextmanager
def asking(
    callers: Sequence[Caller], *, every: float = 0.1, **params: Any
) -> Iterator[list[Reply]]:
    """Let each caller submit one job after the other meanwhile; all answers are in the list."""
    replies: list[Reply] = []
    over = threading.Event()

    def go_on(caller: Caller) -> None:
        while not over.is_set():
            replies.append(caller.submit(**params))
            over.wait(every)

    threads = [threading.Thread(target=go_on, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    try:
        yield replies
    finally:
        over.set()
        for thread in threads:
            thread.join()


def at_once(action: Callable[[int], Any], count: int) -> list[Any]:
    """Do something so many times at the same time and return what came of each."""
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(action, range(count)))
