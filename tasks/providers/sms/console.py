"""Texts that never leave this machine: into a file that the terminal and /dev/phone show."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from models import Settings
from tasks.providers.sms.base import CarriedText, Outcome, SentText, SmsError

FILE_NAME = "texts.jsonl"


class ConsoleSms:
    """For the all-in-one mode on one's own machine; settings refuse it anywhere else."""

    name = "console"

    def __init__(self, path: Path) -> None:
        """`path` is the file that holds one text a line."""
        self.path = path

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Keep the texts beside the other data."""
        return cls(settings.data_dir / FILE_NAME)

    def send(self, *, to: str, body: str, callback: str | None = None) -> SentText:  # noqa: ARG002
        """Append one line, whole or not at all; there is nobody who could call back.

        Raises:
            SmsError: not sent, for there is no room or no right to write; to be tried again.
        """
        sid = "console-" + secrets.token_hex(8)
        line = json.dumps(
            {"sid": sid, "to": to, "body": body, "at": datetime.now(UTC).isoformat()},
            ensure_ascii=False,
        )
        try:
            self._append(line.encode() + b"\n")
        except OSError as error:
            raise SmsError(
                "The text could not be written.",
                outcome=Outcome.NOT_SENT,
                permanent=False,
                code=f"not_written_{errno.errorcode.get(error.errno or 0, 'unknown')}",
            ) from error
        return SentText(sid)

    def _append(self, line: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)  # until it is closed: another sender may write too
            before = os.fstat(file).st_size
            written = os.write(file, line)
            if written < len(line):  # a disk that fills up takes what it can
                os.ftruncate(file, before)
                raise OSError(errno.ENOSPC, "no room for the whole line")
        finally:
            os.close(file)

    def find(self, *, to: str, contains: str, but: Collection[str] = ()) -> SentText | None:
        """Look through the file."""
        for text in self.texts():
            if text["to"] == to and contains in text["body"] and text["sid"] not in but:
                return SentText(str(text["sid"]))
        return None

    def since(self, moment: datetime) -> Iterator[CarriedText]:
        """Yield what was written after a moment."""
        for text in self.texts():
            if datetime.fromisoformat(text["at"]) > moment:
                yield CarriedText(str(text["sid"]), str(text["body"]))

    def forget(self, sid: str) -> None:
        """Write the file anew without one text."""
        if not self.path.exists():
            return
        with self.path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            lines = [line for line in file if json.loads(line)["sid"] != sid]
            file.seek(0)
            file.writelines(lines)
            file.truncate()

    def texts(self) -> list[dict[str, Any]]:
        """Return every text so far, oldest first, as {sid, to, body, at}."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().splitlines()]
