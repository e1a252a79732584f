"""The harness's side of the nursery: orders go down its pipe, what happens comes back."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


class Nursery:
    """The process of nursery.py, and all that it started.

    Attributes:
        events: what has happened, oldest first.
    """

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        """Start it; the logs of its children go there."""
        self._logs = logs
        self._pids: dict[str, int | None] = {}
        self._offsets: dict[str, int] = {}
        self._changed = threading.Condition()
        self.events: list[dict[str, Any]] = []
        with (logs / "nursery.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "faults.harness.nursery"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, name="nursery", daemon=True)
        self._reader.start()
        self._wait(lambda: self._is_ready, "the nursery")

    def start(self, name: str, spec: dict[str, Any], *, restart_after: float | None) -> None:
        """Start a process under this name and wait until it has a pid."""
        with self._changed:
            self._pids[name] = None
        log = str(self._logs / f"{name}.log")
        self.tell(do="start", name=name, spec=spec, log=log, restart_after=restart_after)
        self._wait(lambda: self.pid(name), name)

    def stop(self, name: str) -> None:
        """Kill it for good."""
        self.tell(do="stop", name=name)
        self._wait(lambda: name not in self._pids, f"the end of {name}")

    def bring_up(self, name: str, *, restart_after: float) -> None:
        """Start it again as it was started before, and wait until it has a pid."""
        self._wait(lambda: self.pid(name) is None, f"the end of {name}")
        self.tell(do="restart", name=name, after=restart_after)
        self._wait(lambda: self.pid(name), name)

    def tell(self, **order: Any) -> None:
        """Give an order."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()

    def pid(self, name: str) -> int | None:
        """Return its main process, or None while it does not run."""
        return self._pids.get(name)

    def names(self) -> list[str]:
        """Return what should run."""
        return list(self._pids)

    def log_offset(self, name: str) -> int:
        """Return how long its log was before its last start."""
        return self._offsets.get(name, 0)

    def end(self) -> None:
        """End everything it started, then itself."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            with self._changed:
                self.events.append(event)
                if event["event"] == "start":
                    self._offsets[event["name"]] = event["logged"]
                    self._pids[event["name"]] = event["pid"]
                elif event["event"] == "end":
                    self._pids[event["name"]] = None
                elif event["event"] == "stopped":
                    self._pids.pop(event["name"], None)
                self._changed.notify_all()

    @property
    def _is_ready(self) -> bool:
        return any(event["event"] == "ready" for event in self.events)

    def _wait(self, condition: Callable[[], object], what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(condition, 30):
                raise AssertionError(f"waited in vain for {what}; see {self._logs}")
