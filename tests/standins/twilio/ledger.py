"""The ledger: a line of JSON for each thing, on the disk before it is answered."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any


class Ledger:
    """Appends to a file; safe from several threads."""

    def __init__(self, path: Path) -> None:
        """The folder must be there."""
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._lock = threading.Lock()

    def write(self, what: str, **words: Any) -> None:
        """Note one thing and wait until it is on the disk."""
        line = json.dumps({"at": time.time(), "what": what, **words}, ensure_ascii=False)
        with self._lock:
            os.write(self._file, line.encode() + b"\n")
            os.fsync(self._file)


def read_ledger(path: Path) -> list[dict[str, Any]]:
    """Return every whole line, oldest first; none when there is no file."""
    if not path.exists():
        return []
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.decode().splitlines()]


def accepted_texts(path: Path) -> list[dict[str, Any]]:
    """Return what was taken, oldest first: sid, to, from, body, callback, at."""
    return [line for line in read_ledger(path) if line["what"] == "accepted"]
