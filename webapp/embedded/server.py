"""What the embedded servers have in common: folder, password, patient start and sure stop."""

import os
import secrets
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from webapp.processes import free_port, last_lines, send, waits_for_end

DEATHS_BEFORE_GIVING_UP = 3


class ServerError(Exception):
    """An embedded server could not be made or started; the message says why, for people."""


@dataclass
class EmbeddedServer(ABC):
    """One server with its data, password and settings under one folder, as our direct child.

    Args:
        folder: made when missing.
        port: the wanted TCP port on loopback; None for any free one. A taken one is replaced by a
            free one at the first start; restarts keep it.
        log: where the server writes; `<folder>/<name>.log` unless given.
    """

    name: ClassVar[str]
    stop_signals: ClassVar[Sequence[signal.Signals]]  # from the politest on

    folder: Path
    port: int | None = None
    log: Path | None = None
    host: str = "127.0.0.1"
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        # Absolute, because the server is started in another folder; before any chdir.
        self.folder = self.folder.absolute()
        self.log_file = (self.log or self.folder / f"{self.name.lower()}.log").absolute()
        self.password_file = self.folder / "password"
        self._port: int | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server, making first what is missing, and return it without waiting.

        Raises:
            ServerError: it cannot be started here; the message says why.
        """
        self._prepare()
        if self._port is None:
            self._port = free_port(self.port, self.host)
        self.process = self._spawn()
        return self.process

    @abstractmethod
    def _prepare(self) -> None:
        """Make what the server needs before its first start."""

    @abstractmethod
    def _spawn(self) -> subprocess.Popen[bytes]:
        """Start the program, on `self._port`."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Tell whether the server answers."""

    def wait_ready(self, seconds: float = 30) -> None:
        """Wait until the server answers.

        One that dies while starting is started again, twice: what a killed one left behind
        (shared memory, a port) takes a moment to go.

        Raises:
            ServerError: it died each time, or did not answer in time.
        """
        deadline = time.monotonic() + seconds
        deaths = 0
        while not self.is_ready():
            if self.process is not None and self.process.poll() is not None:
                deaths += 1
                if deaths == DEATHS_BEFORE_GIVING_UP:
                    raise ServerError(self._with_log(f"{self.name} did not start"))
                time.sleep(0.5 * deaths)
                self._port = None
                self.start()
            if time.monotonic() > deadline:
                raise ServerError(self._with_log(f"{self.name} did not answer in time"))
            time.sleep(0.02)

    def stop(self, seconds: float = 10) -> None:
        """Stop the server cleanly; the hard way when that takes too long."""
        if self.process is None:
            return
        for sign in self.stop_signals:
            send(self.process, sign)
            if waits_for_end(self.process, seconds):
                break
        self.process.wait()
        self.process = None

    @property
    def password(self) -> str:
        """The server's password, made when first asked for."""
        if not self.password_file.exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = os.open(self.password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(made, "w") as file:
                file.write(secrets.token_urlsafe(24))
        return self.password_file.read_text().strip()

    def _with_log(self, what: str) -> str:
        log = self.log_file
        return "\n  ".join([f"{what}. The end of {log}:", *last_lines(log)])
