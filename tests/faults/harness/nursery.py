"""A process that starts the product's processes, forked from what it has imported already.

It has one thread, as forking demands, and obeys lines of JSON on its input. It restarts what ends,
as a supervisor would, and ends with everything it started when its input does.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from webapp.processes import ForkedProcess, fork, has_ended

LOOK_SECONDS = 0.02


@dataclass
class Ward:
    """One process that should run.

    Attributes:
        spec: `worker` (arguments of run_worker), `beat`, or `argv` of a program.
        restart_after: seconds until it is started again after its end; None for never.
        due_at: when it will be; None while it runs or when it will not.
    """

    name: str
    spec: dict[str, Any]
    log: Path
    restart_after: float | None
    process: ForkedProcess | None = None
    due_at: float | None = None


class Nursery:
    """Keeps its wards running and tells of each start and end on its output."""

    def __init__(self) -> None:
        self._wards: dict[str, Ward] = {}

    def run(self) -> None:
        """Obey until the input ends."""
        self._say(event="ready")
        buffer = b""
        while True:
            readable, _, _ = select.select([0], [], [], LOOK_SECONDS)
            if readable:
                chunk = os.read(0, 65536)
                if not chunk:
                    break
                *lines, buffer = (buffer + chunk).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))
            self._look()
        for ward in self._wards.values():
            self._kill(ward)

    def _obey(self, order: dict[str, Any]) -> None:
        name = order["name"]
        if order["do"] == "start":
            ward = Ward(name, order["spec"], Path(order["log"]), order["restart_after"])
            self._wards[name] = ward
            self._start(ward)
        elif order["do"] == "stop":  # kill it, and never start it again
            self._kill(self._wards.pop(name))
            self._say(event="stopped", name=name)
        elif order["do"] == "restart":  # whether it is started again after its end
            ward = self._wards[name]
            ward.restart_after = order["after"]
            ward.due_at = None
            if order["after"] is not None and ward.process is None:
                self._start(ward)

    def _look(self) -> None:
        for ward in self._wards.values():
            process = ward.process
            if process is not None and has_ended(process):
                ward.process = None
                code = process.wait()
                if ward.restart_after is not None:
                    ward.due_at = time.monotonic() + ward.restart_after
                self._say(event="end", name=ward.name, pid=process.pid, code=code)
            if ward.due_at is not None and time.monotonic() >= ward.due_at:
                self._start(ward)

    def _start(self, ward: Ward) -> None:
        ward.due_at = None
        logged = ward.log.stat().st_size if ward.log.exists() else 0
        ward.process = fork(
            _duty(ward.spec),
            name=ward.name,
            log=ward.log,
            death_signal=signal.SIGKILL,
            env=ward.spec.get("env"),
        )
        self._say(event="start", name=ward.name, pid=ward.process.pid, logged=logged)

    def _kill(self, ward: Ward) -> None:
        ward.restart_after = ward.due_at = None
        if ward.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(ward.process.pid, signal.SIGKILL)
            ward.process.wait()
            ward.process = None

    @staticmethod
    def _say(**words: Any) -> None:
        os.write(1, json.dumps({**words, "at": time.time()}).encode() + b"\n")


def _duty(spec: dict[str, Any]) -> Callable[[], object]:
    """Return what the forked child does."""

    def run() -> None:
        # A guard taken out for a must-fail run: in this process and its children alone.
        for module in spec.get("patches", ()):
            import_module(module)
        if "argv" in spec:
            os.execv(spec["argv"][0], spec["argv"])
        from webapp.celery_processes import run_beat, run_worker

        if "worker" in spec:
            run_worker(**spec["worker"])
        run_beat()

    return run


def main() -> None:
    """Import what the wards need, then obey."""
    from tasks.registry import kinds
    from webapp.celery_processes import preload

    preload()
    kinds()
    if os.environ["SMS_PROVIDER"] == "twilio":  # a second of work at each start of a sender
        import_module("tasks.providers.sms.twilio")
    # A Ctrl-C is for the harness, which ends our input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Nursery().run()


if __name__ == "__main__":
    sys.exit(main())
