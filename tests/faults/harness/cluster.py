"""The whole product as real processes on servers of its own, to be broken.

with Cluster(folder, lease_seconds=2) as cluster:
    person = cluster.person()
    job_id = person.submit("steady", steps=5, step_seconds=0.1)
    cluster.kill(cluster.pid("work-1"))
    cluster.wait_ended([job_id])
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import redis
from processes import is_alive, wait_for
from standins.twilio import TwilioStandIn

from faults.harness.carrier import Carrier
from faults.harness.ledger import LedgerReader
from faults.harness.nursing import Nursery
from faults.harness.person import Person, close_lines
from models import ApiToken, Database, Settings, User
from models.ids import new_id
from models.migrations import migrate
from models.phone import PhoneKeys, PhoneNumber
from models.suppression import SuppressionReason, suppress
from webapp.embedded.postgres import EmbeddedPostgres
from webapp.embedded.valkey import EmbeddedValkey
from webapp.processes import waits_for_end

T = TypeVar("T")

TESTS = Path(__file__).resolve().parents[2]
LOGIN, PASSWORD = "textback_app", "only-for-the-fault-tests-0123456789"
RESTART_SECONDS = 0.5
MARK = "TEXTBACK_FAULTS_RUN"
# Starts a `textback …` command after the named modules have changed what they change.
PATCHED = (
    "import importlib, sys; [importlib.import_module(name) for name in sys.argv.pop(1).split(',')];"
    "from webapp.cli import main; main()"
)


class Cluster:
    """Servers and processes of one run; entering starts them, leaving ends all of them.

    Attributes:
        environment: what every process of the product finds; change it before `start_…`.
        logs: a folder with one log a process.
        ledger: what the kinds say they did.
        stand_in: who carries texts; None when they stay in a file of the folder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        lease_seconds: float = 2,
        nodes: int = 2,
        concurrency: int = 2,
        webs: int = 1,
        broken: str | None = None,
        patches: Collection[str] = (),
        environment: Mapping[str, str] | None = None,
        postgres_settings: Mapping[str, str] | None = None,
        carrier: Carrier | None = None,
    ) -> None:
        """Choose sizes; nothing is started yet.

        Args:
            folder: holds everything: databases, logs, ledger, texts.
            lease_seconds: LEASE_SECONDS of the workers, 2 at the least.
            nodes: worker nodes `work-1`, `work-2`, … for interactive and scheduled jobs.
            concurrency: processes of each.
            webs: web processes `web-1`, …
            broken: a guard to take out of all workers: imports `faults.broken.<broken>` in each
                forked node before it runs.
            patches: other modules to import in each node before it runs.
            environment: more or other settings.
            postgres_settings: more or other settings of Postgres. It is as durable as by default.
            carrier: how texts go to a stand-in for Twilio; None keeps them in a file.
        """
        self.folder = folder.absolute()
        self.logs = self.folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.lease_seconds = lease_seconds
        self.nodes = [f"work-{number + 1}" for number in range(nodes)]
        self.webs = [f"web-{number + 1}" for number in range(webs)]
        self.concurrency = concurrency
        self.patches = [*([f"faults.broken.{broken}"] if broken else []), *patches]
        self.run_id = secrets.token_hex(8)
        self.postgres = EmbeddedPostgres(
            self.folder / "postgres",
            log=self.logs / "postgres.log",
            settings={"max_connections": "200", **(postgres_settings or {})},
        )
        self.valkey = EmbeddedValkey(self.folder / "valkey", log=self.logs / "valkey.log")
        self.ledger = LedgerReader(self.folder / "ledger")
        self.environment: dict[str, str] = {}
        self._more_environment = dict(environment or {})
        self._ports: list[socket.socket] = []
        self.addresses = {name: f"http://127.0.0.1:{self._keep_port()}" for name in self.webs}
        self.carrier = carrier
        self.senders = ["notifications"] if carrier is None else carrier.names
        self.stand_in: TwilioStandIn | None = None
        self._nursery: Nursery | None = None

    def __enter__(self) -> Self:
        """Start everything and wait until it serves."""
        try:
            self.start_servers()
            self.start_processes()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End everything."""
        self.stop()

    # -- starting and ending --------------------------------------------------------------------

    def start_servers(self) -> None:
        """Start Postgres and Valkey, make the schema and the audit, and fill `environment`."""
        self.postgres.start()
        self.valkey.start()
        self.postgres.wait_ready()
        self.valkey.wait_ready()
        self._assert_servers_are_ours()
        # The code beside these tests, even if another copy is installed.
        folders = (TESTS / "faults" / "kinds", TESTS / "extra_kinds", TESTS, TESTS.parent)
        path = os.pathsep.join(map(str, folders))
        self.environment = {
            "DATABASE_URL": self.postgres.url(LOGIN, PASSWORD),
            "MIGRATION_DATABASE_URL": self.postgres.owner_url(),
            "REDIS_URL": self.valkey.url(),
            **{name: name[0].lower() * 32 for name in ("SECRET_KEY", "LINK_KEY")},
            "PHONE_CIPHER_KEY": "c" * 32,
            "PHONE_HASH_KEY": "h" * 32,
            "SMS_PROVIDER": "console",
            "DATA_DIR": str(self.folder),
            "WEB_WORKERS": "1",
            "WORKER_CONCURRENCY": str(self.concurrency),
            "LEASE_SECONDS": str(self.lease_seconds),
            "SUBMITS_PER_MINUTE": "100000",
            "TEXTS_PER_NUMBER_A_DAY": "10000",
            "TEXTS_PER_COUNTRY_A_DAY": "10000000",
            "TEXTS_A_DAY": "10000000",
            "PYTHONPATH": path,
            "PYTHONUNBUFFERED": "1",
            "FAULTS_LEDGER": str(self.ledger.path),
            MARK: self.run_id,
            **self._more_environment,
        }
        if self.carrier is not None:
            self.stand_in = self.carrier.start(self.folder)
            # Callbacks come to a web process that dies and comes back like all others.
            self.environment |= self.carrier.environment(self.stand_in)
            self.environment["BASE_URL"] = self.addresses[self.webs[0]]
        self.settings = _settings_from(self.environment)
        migrate(self.settings)
        with self.sql() as connection:
            connection.execute((Path(__file__).parent / "audit.sql").read_bytes())
        self.database = Database(self.settings)

    def start_processes(self) -> None:
        """Start web, workers and beat, and wait until all serve."""
        for name in self.webs:
            self.start_web(name)
        for name in self.nodes:
            self.start_node(name)
        for name in self.senders:
            self.start_sender(name)
        self.start_node("maintenance", queues="maintenance", pool="solo", concurrency=1)
        self.start_beat()
        self.wait_serving()

    def start_web(self, name: str = "web-1", *, restart: bool = True, **environment: str) -> str:
        """Start a web process and return its address, without waiting."""
        if name not in self.addresses:
            self.addresses[name] = f"http://127.0.0.1:{self._keep_port()}"
        address = self.addresses[name]
        port = str(urlsplit(address).port)
        base_url = self.environment.get("BASE_URL", "http://127.0.0.1:1")
        more = {"PORT": port, "BASE_URL": base_url, **environment}
        argv = [sys.executable, "-m", "webapp.cli", "web"]
        self._start(name, {"argv": argv, "env": more}, restart=restart)
        return address

    def start_sender(self, name: str) -> None:
        """Start a node that sends texts."""
        patches = self.patches
        if self.carrier is not None:
            patches = [*patches, "faults.harness.impatient"]
        self.start_node(name, queues="notifications", pool="solo", concurrency=1, patches=patches)

    def start_node(
        self,
        name: str,
        *,
        queues: str = "interactive,scheduled",
        pool: str = "prefork",
        concurrency: int | None = None,
        restart: bool = True,
        patches: Collection[str] | None = None,
        **environment: str,
    ) -> None:
        """Start a worker node without waiting: forked, which takes half a second.

        Args:
            name: its name in the cluster and in the jobs' rows.
            queues: which it serves.
            pool: `prefork` or `solo`.
            concurrency: processes; the cluster's unless given.
            restart: whether it is started again half a second after its end.
            patches: modules to import first; those of the cluster unless given.
            environment: settings of this node alone. With any, it is not forked but started from
                nothing, for what is imported already knows the others.
        """
        patches = self.patches if patches is None else list(patches)
        count = concurrency or self.concurrency
        spec: dict[str, Any] = {
            "worker": {"queues": queues, "name": name, "pool": pool, "concurrency": count},
            "patches": patches,
        }
        if environment:
            begin = ["-c", PATCHED, ",".join(patches)] if patches else ["-m", "webapp.cli"]
            arguments = ["--queues", queues, "--name", name, "--pool", pool]
            spec = {
                "argv": [sys.executable, *begin, "worker", *arguments, "--concurrency", str(count)],
                "env": environment,
            }
        self._start(name, spec, restart=restart)

    def start_beat(self, name: str = "beat", *, restart: bool = True) -> None:
        """Start beat."""
        spec = {"beat": True, "patches": self.patches}
        self._start(name, spec, restart=restart)

    def stop_process(self, name: str) -> None:
        """Kill one process for good, with its children."""
        self.nursery.stop(name)

    def keep_down(self, name: str) -> None:
        """Do not start it again after its end; `bring_up` does."""
        self.nursery.tell(do="restart", name=name, after=None)

    def bring_up(self, name: str) -> None:
        """Start again, now and whenever it ends, what `keep_down` kept down."""
        self.nursery.bring_up(name, restart_after=RESTART_SECONDS)

    def stop(self) -> None:
        """End everything that was started and see that nothing is left."""
        if self._nursery is not None:
            for pid in self.pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            self._nursery.end()
            self._nursery = None
        deadline = time.monotonic() + 10
        while left := self.pids():
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise AssertionError(f"processes that do not end: {left}")
            time.sleep(0.05)
        close_lines()
        for port in self._ports:
            port.close()
        if hasattr(self, "database"):
            self.database.dispose()
        if self.stand_in is not None:
            self.stand_in.stop()
        for server in (self.valkey, self.postgres):
            if server.process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(server.process.pid, signal.SIGCONT)
            server.stop()

    def wait_serving(self, seconds: float = 60) -> None:
        """Wait until every web process answers and every node takes work."""
        for name in [*self.webs]:
            self.wait_web(name, seconds)
        for name in self.nursery.names():
            if name not in self.addresses and name != "beat":
                wait_for(lambda name=name: self.is_node_ready(name), seconds, f"{name} to be ready")

    def wait_web(self, name: str = "web-1", seconds: float = 30) -> None:
        """Wait until a web process answers."""
        visitor = Person(self, UUID(int=0), "")
        wait_for(lambda: visitor.answers(self.addresses[name]), seconds, f"{name} to answer")

    def is_node_ready(self, name: str) -> bool:
        """Tell whether a node runs and has said that it is ready since its last start."""
        pid = self.nursery.pid(name)
        if pid is None or not is_alive(pid):
            return False
        log = self.logs / f"{name}.log"
        began = self.nursery.log_offset(name)
        try:
            with log.open("rb") as file:
                file.seek(began)
                return b" ready." in file.read()
        except OSError:
            return False

    # -- looking --------------------------------------------------------------------------------

    def pid(self, name: str) -> int:
        """Return the main process of a node, a web process or beat; waits while it restarts."""
        return wait_for(lambda: self.nursery.pid(name), 20, f"{name} to run")

    def children(self, name: str) -> list[int]:
        """Return the processes a node or a web process has started."""
        pid = self.nursery.pid(name)
        return [] if pid is None else children_of(pid)

    def pids(self) -> list[int]:
        """Return every process of this run but the servers: they carry its mark."""
        mark = f"{MARK}={self.run_id}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            if folder.name == str(os.getpid()):
                continue
            with contextlib.suppress(OSError):
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
        return found

    def sql(self) -> psycopg.Connection:
        """Return a connection as the owner of everything, behind all policies."""
        return psycopg.connect(self.postgres.owner_url(), autocommit=True, connect_timeout=3)

    def redis(self) -> redis.Redis:
        """Return a client of Valkey."""
        return redis.Redis.from_url(self.valkey.url(), socket_timeout=3)

    def person(self, *, phone: str | None = None) -> Person:
        """Make somebody with an API token; `phone` is taken as verified, e.g. +12025550123."""
        owner_id = new_id()
        with self.database.owner(owner_id) as session:
            user = User(id=owner_id)
            session.add(user)
            session.flush()
            if phone is not None:
                user.set_phone(PhoneNumber.parse(phone), PhoneKeys(self.settings))
                user.phone_verified_at = datetime.now(UTC)
            token = ApiToken.create(session, owner_id, "faults")
        return Person(self, owner_id, token, phone)

    def opt_out(self, person: Person) -> None:
        """Have somebody answer STOP, as often as it takes; the stand-in refuses them from then on.

        Without a stand-in nobody can be answered, and it is written down at once.
        """
        assert person.phone is not None
        if self.stand_in is None:
            with self.database.owner(person.id) as session:
                phone_hash = PhoneKeys(self.settings).fingerprint(person.phone)
                suppress(session, phone_hash, SuppressionReason.ACCOUNT)
            return
        url = f"{self.settings.base_url}/hooks/sms/inbound"
        phone, stand_in = person.phone, self.stand_in
        wait_for(lambda: stand_in.inbound("STOP", from_=phone, url=url) == 200, 30, "a STOP")

    def statuses(self, job_ids: Collection[str] | None = None) -> dict[str, str]:
        """Return the status of each job, or of these."""
        with self.sql() as connection:
            rows = connection.execute(
                "select id::text, status from jobs where %(ids)s::uuid[] is null"
                " or id = any(%(ids)s::uuid[])",
                {"ids": None if job_ids is None else list(job_ids)},
            )
            return dict(rows.fetchall())

    def wait_ended(self, job_ids: Collection[str], seconds: float = 60) -> dict[str, str]:
        """Wait until these jobs have ended and return their statuses."""
        ended = {"succeeded", "failed", "cancelled"}

        def all_ended() -> dict[str, str] | None:
            found = self.statuses(job_ids)
            return found if len(found) == len(job_ids) and set(found.values()) <= ended else None

        return wait_for(all_ended, seconds, f"the end of {len(job_ids)} jobs")

    def texts(self) -> list[dict[str, Any]]:
        """Return every text that was sent to the file in the folder."""
        path = self.folder / "texts.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    # -- breaking -------------------------------------------------------------------------------

    def kill(self, pid: int, sign: signal.Signals = signal.SIGKILL) -> None:
        """Send one process a signal, kill -9 unless another is given; a gone one is left alone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)

    def kill_group(self, name: str, sign: signal.Signals = signal.SIGKILL) -> None:
        """Send a node or a web process and all its children a signal, as a power cut would."""
        pid = self.nursery.pid(name)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, sign)

    def stop_postgres(self, sign: signal.Signals = signal.SIGQUIT) -> None:
        """Stop Postgres; at once and without a checkpoint unless another signal is given."""
        assert self.postgres.process is not None
        self.postgres.process.send_signal(sign)
        assert waits_for_end(self.postgres.process, 30)
        self.postgres.process.wait()

    def start_postgres(self) -> None:
        """Start it again on its port and wait until it answers. From the main thread."""
        self.postgres.start()
        port = self.postgres._port
        self.postgres.wait_ready(60)
        assert self.postgres._port == port, "Postgres came back on another port"
        self._assert_servers_are_ours()

    def restart_postgres(self) -> None:
        """Restart it as after a crash: immediate stop, then recovery."""
        self.stop_postgres()
        self.start_postgres()

    def kill_valkey(self) -> None:
        """Kill Valkey at once."""
        assert self.valkey.process is not None
        self.valkey.process.kill()
        self.valkey.process.wait()

    def start_valkey(self) -> None:
        """Start it again on its port and wait until it answers. From the main thread."""
        self.valkey.start()
        port = self.valkey._port
        self.valkey.wait_ready(30)
        assert self.valkey._port == port, "Valkey came back on another port"
        self._assert_servers_are_ours()

    # -- inside ---------------------------------------------------------------------------------

    @property
    def nursery(self) -> Nursery:
        """The process that starts all others; made when first needed."""
        if self._nursery is None:
            self._nursery = Nursery(self.environment, self.logs)
        return self._nursery

    def _keep_port(self) -> int:
        """Choose a port that nobody else is given until the end.

        Who says that addresses are used again, as gunicorn does, may listen on it all the same.
        """
        kept = socket.socket()
        self._ports.append(kept)
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        return int(kept.getsockname()[1])

    def _start(self, name: str, spec: dict[str, Any], *, restart: bool) -> None:
        after = RESTART_SECONDS if restart else None
        self.nursery.start(name, spec, restart_after=after)

    def _assert_servers_are_ours(self) -> None:
        """Another program's server on the same port would make every figure worthless."""
        with self.sql() as connection:
            row = connection.execute("select current_setting('data_directory')").fetchone()
            assert row == (str(self.postgres.cluster),), f"this is somebody else's Postgres: {row}"
        with self.redis() as client:
            pid = client.info("server")["process_id"]
            assert self.valkey.process is not None
            assert pid == self.valkey.process.pid, f"this is somebody else's Valkey: {pid}"


def children_of(pid: int) -> list[int]:
    """Return a process's children."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _settings_from(environment: Mapping[str, str]) -> Settings:
    """Read settings from this environment alone, not from that of the harness."""
    values = {name: environment.get(name.upper()) for name in Settings.model_fields}
    return Settings(**{name: value for name, value in values.items() if value is not None})
