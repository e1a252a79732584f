"""Reading the ledger: what the kinds say they did, outside the database."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class Attempt(NamedTuple):
    """One attempt of one job; the fence tells attempts apart.

    But for two of which the first was lost with Postgres: what is told then is the second.
    """

    job_id: str
    fence: int


@dataclass
class Account:
    """What the ledger says of one attempt.

    Attributes:
        number: the attempt as the job counts it.
        pid: the process it ran in.
        began_at: seconds since the epoch.
        steps: which steps were done.
        ended: whether all its work was done.
        left: whether it came out of the kind, well or not; a killed one did not.
        poisoned: whether it killed itself.
    """

    number: int
    pid: int
    began_at: float
    steps: list[int] = field(default_factory=list)
    ended: bool = False
    left: bool = False
    poisoned: bool = False
    last_at: float = 0.0


class LedgerReader:
    """Follows a ledger. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """The file may not be there yet."""
        self.path = path
        self.attempts: dict[Attempt, Account] = {}
        self._open: dict[int, Attempt] = {}  # by process: one works on one job at a time
        self._offset = 0
        self._lock = threading.Lock()

    def read(self) -> dict[Attempt, Account]:
        """Read on to the end of the file and return every attempt so far."""
        with self._lock:
            if self.path.exists():
                with self.path.open("rb") as file:
                    file.seek(self._offset)
                    whole, newline, _ = file.read().rpartition(b"\n")
                self._offset += len(whole) + len(newline)
                for line in whole.decode().splitlines():
                    self._take(line)
            return self.attempts

    def open_attempts(self) -> dict[Attempt, Account]:
        """Return the attempts that have begun and not left; their processes may be dead."""
        self.read()
        with self._lock:
            return {attempt: self.attempts[attempt] for attempt in self._open.values()}

    def _take(self, line: str) -> None:
        job_id, fence, number, pid, what, step, at = line.split(" ")
        attempt = Attempt(job_id, int(fence))
        account = self.attempts.get(attempt)
        if account is None or (what == "begin" and account.pid != int(pid)):
            account = self.attempts[attempt] = Account(int(number), int(pid), float(at))
            self._open[account.pid] = attempt
        account.last_at = float(at)
        if what == "step":
            account.steps.append(int(step))
        elif what == "end":
            account.ended = True
        elif what == "leave":
            account.left = True
            if self._open.get(int(pid)) == attempt:
                del self._open[int(pid)]
        elif what == "poison":
            account.poisoned = True
