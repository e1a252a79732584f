"""The folder of one all-in-one installation: its lock, its secrets, its logs."""

import fcntl
import json
import os
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

KEYS: Final = (
    "SECRET_KEY",
    "LINK_KEY",
    "PHONE_CIPHER_KEY",
    "PHONE_HASH_KEY",
    "FLOWER_PASSWORD",
    "DATABASE_PASSWORD",
)


class AlreadyRunningError(Exception):
    """Another launcher uses this folder; the message names it."""


@dataclass
class Installation:
    """What the all-in-one mode keeps over restarts, under one folder.

    Args:
        folder: made when missing; what is secret in it is readable by its owner alone.
    """

    folder: Path
    _lock: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.folder = self.folder.absolute()
        self.logs = self.folder / "logs"
        self.secrets_file = self.folder / "secrets.json"

    def claim(self) -> None:
        """Make the folder and hold its lock until this process ends, however it ends.

        Raises:
            AlreadyRunningError: another launcher holds it.
        """
        # Others may pass through, not look around: where root has no user namespaces, the
        # database below belongs to another account.
        self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        self.logs.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(self.folder / "launcher.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 200).decode(errors="replace").strip() or "another process"
            os.close(lock)
            raise AlreadyRunningError(
                f"Textback already runs on {self.folder} ({holder}). "
                "Stop it first, or choose another folder with --data."
            ) from None
        self._lock = lock
        self.describe(f"process {os.getpid()}")

    def describe(self, text: str) -> None:
        """Write into the lock who holds it, for the next one who tries."""
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, text.encode(), 0)

    def release(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            self.describe("")
            os.close(self._lock)
            self._lock = None

    def secrets(self) -> dict[str, str]:
        """Return the installation's keys and passwords; the missing ones are made and kept."""
        known = self._read()
        missing = [key for key in KEYS if key not in known]
        if missing:
            known |= {key: secrets.token_urlsafe(32) for key in missing}
            self._write(known)
        return known

    def keep(self, name: str, value: str) -> None:
        """Keep one more secret."""
        self._write(self._read() | {name: value})

    def keep_environment(self, environment: Mapping[str, str]) -> None:
        """Write what a shell reads to use the commands of this installation: `. var/env`."""
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()]
        self._replace(self.folder / "env", "".join(lines))

    def _read(self) -> dict[str, str]:
        if not self.secrets_file.exists():
            return {}
        found: dict[str, str] = json.loads(self.secrets_file.read_text())
        return found

    def _write(self, values: dict[str, str]) -> None:
        self._replace(self.secrets_file, json.dumps(values, indent=2))

    def _replace(self, path: Path, text: str) -> None:
        """Write all at once: a crash leaves the old file or the new one, never half of one."""
        new = path.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
