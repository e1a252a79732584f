"""Texts that never leave this machine: into a file that the terminal and /dev/phone show."""

from __future__ import annotations

import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from models import Settings
from tasks.providers.sms.base import SentText

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

    def send(self, *, to: str, body: str) -> SentText:
        """Append one line, whole or not at all."""
        sid = "console-" + secrets.token_hex(8)
        line = json.dumps(
            {"sid": sid, "to": to, "body": body, "at": datetime.now(UTC).isoformat()},
            ensure_ascii=False,
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode() + b"\n")
        finally:
            os.close(file)
        return SentText(sid)

    def texts(self) -> list[dict[str, Any]]:
        """Return every text so far, oldest first, as {sid, to, body, at}."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().splitlines()]
