"""Real processes of the product, tied to the life of the test."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import psutil

from webapp.processes import spawn

T = TypeVar("T")


class Processes:
    """Starts `textback …` commands and ends what it started."""

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        """`environment` is that of the test servers; output goes to `logs`."""
        self._environment = {**os.environ, **environment}
        self._logs = logs
        self._running: list[subprocess.Popen[bytes]] = []

    def start(
        self, *arguments: str, first: str = "", **environment: str
    ) -> subprocess.Popen[bytes]:
        """Start one command and return it without waiting; `first` is code that it runs first."""
        program = ["-c", f"{first}\nfrom webapp.cli import main; main()"]
        if not first:
            program = ["-m", "webapp.cli"]
        name = f"{len(self._running):02}-{'-'.join(arguments).replace('/', '_')[:40]}"
        process = spawn(
            [sys.executable, *program, *arguments],
            log=self._logs / f"{name}.log",
            env={**self._environment, **environment},
            death_signal=signal.SIGKILL,
        )
        self._running.append(process)
        return process

    def log(self, index: int = -1) -> str:
        """Return what a process printed so far."""
        return sorted(self._logs.glob("*.log"))[index].read_text()

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End a process and its children at once, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def end(self) -> None:
        """End everything that still runs."""
        for process in self._running:
            self.kill(process)


def wait_for(condition: Callable[[], T | None], seconds: float = 30, what: str = "") -> T:
    """Return the first truthy answer; polls a state that has no event to wait on."""
    deadline = time.monotonic() + seconds
    while True:
        is_last = time.monotonic() > deadline  # one more look, however long we stood still
        answer = condition()
        if answer:
            return answer
        if is_last:
            raise AssertionError(f"waited {seconds} s in vain for {what or condition}")
        time.sleep(0.05)


def name_of(process: psutil.Process) -> str | None:
    """Return what `ps` calls a process; None if it has ended since it was listed."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return str(process.name())
    return None


def command_line_of(process: psutil.Process) -> list[str]:
    """Return how a process was called; nothing if it has ended since it was listed."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return list(process.cmdline())
    return []


def is_alive(pid: int) -> bool:
    """Tell whether a process has not ended; one that only waits to be reaped has."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False
