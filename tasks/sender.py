"""Who sends a text, and the proof that it is dead.

A sender holds a lock of its own on a session of its own for as long as it lives. Its name tells
which: `host/process/start/lock`. Its text is sent by another only when that lock is free and, on
the same host, the process is gone: a restart of Postgres frees the lock of a sender that lives.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from models import NotificationClaim, Settings
from models.connection import Connection
from models.errors import SettingsError
from models.queries import query
from models.session import CONNECT_ARGS
from models.statement import statement

log = logging.getLogger(__name__)

# Of 62 random bits, none of the numbers that migrations and sweeps lock.
_LOCK_BITS = 62
_AS_WORKER = "select set_config('role', 'textback_worker', true)"
# Who freezes in the guard would keep the text. But a session outside a transaction lasts, with its
# lock, for as long as Postgres lets it: a machine that is suspended after the guard may send yet.
_LIMITS = (
    "set statement_timeout = '10s'; set lock_timeout = '5s'; "
    "set idle_in_transaction_session_timeout = '10s'; "
    "reset tcp_keepalives_idle; reset tcp_keepalives_interval; reset tcp_keepalives_count; "
    "reset tcp_user_timeout"
)


@dataclass(frozen=True, slots=True)
class Holder:
    """A sender as its texts name it."""

    host: str
    pid: int
    start: int
    lock: int

    def __str__(self) -> str:
        return f"{self.host}/{self.pid}/{self.start}/{self.lock}"

    @classmethod
    def parse(cls, words: str) -> Holder:
        """Read a name back."""
        host, pid, start, lock = words.rsplit("/", 3)
        return cls(host, int(pid), int(start), int(lock))

    def is_dead(self, session: Session) -> bool:
        """Whether it surely sends nothing any more. `session` is any transaction."""
        is_free = session.scalar(
            text("select pg_try_advisory_xact_lock(:lock)"), {"lock": self.lock}
        )
        if not is_free:
            return False
        return self.host != this_host() or _start_of(self.pid) != self.start


class Sender:
    """One process that sends texts. Make it after any fork; it connects on first use."""

    def __init__(self, settings: Settings) -> None:
        """`settings.database_direct_url` leads past a transaction pooler, where there is one."""
        direct = settings.database_direct_url or settings.database_url
        url = make_url(direct.get_secret_value()).set(drivername="postgresql")
        self._url = url.render_as_string(hide_password=False)
        self._connection: Connection | None = None
        self._name = ""

    def name(self) -> str:
        """Return the name to claim a text under; a new one after the session was lost.

        Raises:
            psycopg.OperationalError: Postgres is away.
            SettingsError: the session is not ours alone, so the lock would prove nothing.
        """
        if self._connection is None or self._connection.closed or not self._answers():
            self._open()
        return self._name

    def guard(self, claim: NotificationClaim) -> bool:
        """Pass the last look before the provider is called, on the session with the lock.

        Returns:
            False if another decides about this text now, or the session is lost: send nothing.
        """
        if self._connection is None:
            return False
        guarding = statement(query("guard_notification").text)
        try:
            with self._connection.transaction():
                self._connection.execute(_AS_WORKER)
                row = self._connection.execute(
                    guarding.pyformat, {"id": claim.id, "fence": claim.fence}
                ).fetchone()
        except psycopg.OperationalError as error:
            log.warning("guard not passed notification_id=%s: %s", claim.id, type(error).__name__)
            self.close()
            return False
        return row is not None

    def close(self) -> None:
        """Let go of the session and its lock."""
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
        self._connection = None

    def _answers(self) -> bool:
        assert self._connection is not None  # noqa: S101 - asked by name() alone
        try:
            self._connection.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True

    def _open(self) -> None:
        self.close()
        connection = Connection.open(self._url, **CONNECT_ARGS)
        row = connection.execute("select pg_backend_pid()").fetchone()
        if row is None or row[0] != connection.info.backend_pid:
            connection.close()
            raise SettingsError(
                "DATABASE_DIRECT_URL: DATABASE_URL leads through a transaction pooler, where a "
                "lock of a session proves nothing; set the address of Postgres itself here"
            )
        holder = Holder(
            this_host(), os.getpid(), _start_of(os.getpid()), secrets.randbits(_LOCK_BITS)
        )
        connection.execute(_LIMITS)
        connection.execute("select pg_advisory_lock(%s)", (holder.lock,))
        self._connection, self._name = connection, str(holder)


_senders: dict[int, Sender] = {}


def sender(settings: Settings) -> Sender:
    """Return the sender of this process."""
    pid = os.getpid()
    if pid not in _senders:
        _senders.clear()  # a parent's session is not ours to use
        _senders[pid] = Sender(settings)
    return _senders[pid]


@cache
def this_host() -> str:
    """Return what tells one set of processes from another: this boot and its table of processes.

    Containers of one machine share the boot but have tables of their own.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return f"elsewhere:{secrets.token_hex(8)}"  # only the lock proves anything then


def _start_of(pid: int) -> int:
    """Return when a process of this host began, in ticks since boot; -1 if there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return -1
    return -1 if fields[0] in ("Z", "X") else int(fields[19])
