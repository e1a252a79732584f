"""Keep child processes running: ordered start, readiness, restart with back-off, ordered stop."""

import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

from webapp.console import Console
from webapp.processes import (
    Process,
    describe_exit,
    end_group,
    has_ended,
    last_lines,
    send,
    waits_for_end,
)

STEADY_SECONDS: Final = 60.0  # one that lived this long has earned a fresh back-off
FIRST_PAUSE_SECONDS: Final = 0.5  # after a second death; after the first nobody waits
LONGEST_PAUSE_SECONDS: Final = 30.0
QUICK_DEATHS_BEFORE_LOG: Final = 3
START_POLL_SECONDS: Final = 0.05
FORCE_SECONDS: Final = 3.0
IDLE_POLL_SECONDS: Final = 5.0  # a signal ends the wait at once; this only bounds what is missed
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StartError(Exception):
    """A child did not become ready; the message says which and why."""


class StopRequested(Exception):  # noqa: N818 - a signal, not an error
    """Somebody asked us to stop while we waited for something."""


@dataclass
class Child:
    """One process to keep alive.

    Args:
        name: for people, such as "web".
        spawn: starts the process and returns at once.
        is_ready: answers quickly whether it serves now; None means as soon as it runs.
        log: where its output goes, to be quoted when it keeps dying.
        stop_signal: asks it to end in its own time, `grace_seconds` at most.
        force_signal: what it gets after that, together with its own children.
        title: what is written when it is ready; its name unless given.
        rank: children of a higher rank stop before those of a lower one.
    """

    name: str
    spawn: Callable[[], Process]
    log: Path
    is_ready: Callable[[], bool] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 10.0
    force_signal: signal.Signals = signal.SIGKILL
    title: str = ""
    rank: int = 0
    process: Process | None = field(default=None, init=False)
    started_at: float = field(default=0.0, init=False)
    ready: bool = field(default=False, init=False)
    was_ready: bool = field(default=False, init=False)
    quick_deaths: int = field(default=0, init=False)
    restart_at: float | None = field(default=None, init=False)

    def begin(self) -> Process:
        """Start its process, without watching it yet."""
        self.restart_at = None
        self.ready = False
        self.started_at = time.monotonic()
        self.process = self.spawn()
        return self.process

    @property
    def is_running(self) -> bool:
        """Tell whether its process lives."""
        return self.process is not None and not has_ended(self.process)


class Supervisor:
    """Start children, watch them, and stop them rank by rank.

    Use it as a context manager from the main thread: it takes the stop signals over, and leaving
    the block stops everything. The first signal stops in order, a second one at once.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._children: list[Child] = []
        self._signals = 0
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)

    def __enter__(self) -> "Supervisor":
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for sign in STOP_SIGNALS:
            signal.signal(sign, self._on_stop_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to end the wait
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        signal.set_wakeup_fd(-1)
        for sign in (*STOP_SIGNALS, signal.SIGCHLD):
            signal.signal(sign, signal.SIG_DFL)
        os.close(self._wake_read)
        os.close(self._wake_write)

    @property
    def stop_requested(self) -> bool:
        """Tell whether somebody asked us to stop."""
        return self._signals > 0

    def request_stop(self) -> None:
        """Ask for a stop in order, as the first signal would."""
        self._signals = max(1, self._signals)
        os.write(self._wake_write, b"\0")

    def start(self, *children: Child) -> None:
        """Start children side by side, without waiting for them."""
        for child in children:
            self._children.append(child)
            child.begin()

    def wait_ready(self, *children: Child, seconds: float = 60) -> None:
        """Watch everything until these children (all when none is named) are ready.

        Raises:
            StartError: one kept dying before it was ever ready, or was not ready in time.
            StopRequested: a stop signal came.
        """
        wanted = children or tuple(self._children)
        deadline = time.monotonic() + seconds
        while waiting := [child for child in wanted if not child.was_ready]:
            self._step()
            if self.stop_requested:
                raise StopRequested
            for child in waiting:
                if child.quick_deaths >= QUICK_DEATHS_BEFORE_LOG:
                    raise StartError(_with_log(f"{child.name} does not start", child))
                if time.monotonic() > deadline:
                    raise StartError(_with_log(f"{child.name} is not ready in time", child))
            self._sleep(START_POLL_SECONDS)

    def wait_done(self, child: Child, seconds: float = 300) -> float:
        """Wait for a child that ends by itself, such as a migration; return the seconds it took.

        It is started unless it has begun already.

        Raises:
            StartError: it failed.
            StopRequested: a stop signal came; the child is stopped.
        """
        process = child.process or child.begin()
        try:
            while not has_ended(process):
                self._step()
                if self.stop_requested:
                    raise StopRequested
                if time.monotonic() - child.started_at > seconds:
                    raise StartError(_with_log(f"{child.name} took too long", child))
                self._sleep(START_POLL_SECONDS)
        finally:
            if not has_ended(process):
                send(process, child.stop_signal)
                waits_for_end(process, child.grace_seconds)
            code = end_group(process)
        if code != 0:
            raise StartError(_with_log(f"{child.name} failed ({describe_exit(code)})", child))
        return time.monotonic() - child.started_at

    def watch(self) -> None:
        """Watch all children until a stop is asked for."""
        while not self.stop_requested:
            pause = self._step()
            self._sleep(pause)

    def stop(self) -> None:
        """Stop rank after rank, the highest first; a second signal meanwhile forces the rest."""
        if self.stop_requested and self._children:
            self._console.line()
            self._console.note("stopping in order; the same again stops at once")
        children, self._children = self._children, []
        for rank in sorted({child.rank for child in children}, reverse=True):
            group = [child for child in children if child.rank == rank]
            began = time.monotonic()
            for child in group:
                if child.is_running and child.process is not None:
                    send(child.process, child.stop_signal)
            for child in group:
                self._await_end(child, began)

    def _await_end(self, child: Child, began: float) -> None:
        process = child.process
        if process is None or process.returncode is not None:
            return
        deadline = began + child.grace_seconds
        while not has_ended(process) and time.monotonic() < deadline and self._signals < 2:
            self._sleep(START_POLL_SECONDS)
        how = "stopped"
        if not has_ended(process):
            how = "forced"
            send(process, child.force_signal, group=child.force_signal == signal.SIGKILL)
            waits_for_end(process, FORCE_SECONDS)
        end_group(process)
        self._console.ready(child.name, time.monotonic() - began, how)

    def _step(self) -> float:
        """Look once at every child; return how long nothing will need us, in seconds."""
        now = time.monotonic()
        pause = IDLE_POLL_SECONDS
        for child in self._children:
            if child.restart_at is not None:
                if now >= child.restart_at:
                    child.begin()
                    pause = START_POLL_SECONDS
                else:
                    pause = min(pause, child.restart_at - now)
            elif not child.is_running:
                self._after_death(child, now)
                pause = START_POLL_SECONDS
            elif not child.ready:
                self._check_ready(child)
                pause = START_POLL_SECONDS
        return pause

    def _check_ready(self, child: Child) -> None:
        if child.is_ready is not None and not child.is_ready():
            return
        child.ready = True
        word = "ready again" if child.was_ready else "ready"
        child.was_ready = True
        self._console.ready(child.title or child.name, time.monotonic() - child.started_at, word)

    def _after_death(self, child: Child, now: float) -> None:
        """Plan the restart of a child that ended without being asked to, and say so."""
        assert child.process is not None  # noqa: S101 - only started children are watched
        code = end_group(child.process)
        if now - child.started_at >= STEADY_SECONDS:
            child.quick_deaths = 0
        doubled = FIRST_PAUSE_SECONDS * 2 ** (child.quick_deaths - 1)
        pause = min(doubled, LONGEST_PAUSE_SECONDS) if child.quick_deaths else 0.0
        child.quick_deaths += 1
        child.ready = False
        child.restart_at = now + pause
        how = describe_exit(code)
        quotes: Sequence[str] = ()
        if child.quick_deaths >= QUICK_DEATHS_BEFORE_LOG:
            quotes = [f"the end of {child.log}:", *last_lines(child.log)]
        when = f"in {pause:.1f} s" if pause else "at once"
        self._console.warn(f"{child.name} ended ({how}); it is started again {when}", quotes)

    def _on_stop_signal(self, *_: object) -> None:
        self._signals += 1  # no writing here: it may have interrupted a write

    def _sleep(self, seconds: float) -> None:
        """Wait, but no longer than until the next signal."""
        select.select([self._wake_read], [], [], max(0.0, seconds))
        try:
            while os.read(self._wake_read, 512):
                pass
        except BlockingIOError:
            pass


def _with_log(what: str, child: Child) -> str:
    return "\n".join([f"{what}. The end of {child.log}:", *last_lines(child.log)])
