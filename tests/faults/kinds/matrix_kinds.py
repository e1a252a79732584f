"""Kinds that do what no kind should: crash, eat all memory, stop everything, hear nothing."""

from __future__ import annotations

import ctypes
import signal
import time
from typing import Any

from fault_kinds import MANY_ATTEMPTS, Params, Result, attempt_in_ledger, sign

from tasks.context import JobContext
from tasks.registry import JobKind

TIME_LIMIT_SECONDS = 2


def thorough(ctx: JobContext, params: Params) -> Result:
    """Use all there is: progress, checkpoint and the answer so far, at each step."""
    with attempt_in_ledger(ctx) as (ledger, fence):
        began_at = (ctx.last_checkpoint or {}).get("done", 0)
        for step in range(began_at, params.steps):
            ctx.progress(step, total=params.steps, unit="steps", stage=f"Step {step} fence={fence}")
            time.sleep(params.step_seconds)
            ledger.write("step", step)
            ctx.checkpoint({**sign(fence), "done": step + 1})
            ctx.partial(Result(label=params.label, fence=fence, steps=step + 1, began_at=began_at))
        return Result(label=params.label, fence=fence, steps=params.steps, began_at=began_at)


def segfault(ctx: JobContext, params: Params) -> Result:
    """Read where there is nothing to read."""
    with attempt_in_ledger(ctx):
        ctypes.string_at(0)
        raise AssertionError


def glutton(ctx: JobContext, params: Params) -> Result:
    """Take memory until somebody objects."""
    with attempt_in_ledger(ctx):
        taken = []
        while True:
            taken.append(b"\1" * 50_000_000)
            ctx.raise_if_stopped()


def holds_the_gil(ctx: JobContext, params: Params) -> Result:
    """Wait in native code that lets no other thread run, and that no signal interrupts."""
    with attempt_in_ledger(ctx):
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        ctypes.PyDLL(None).sleep(600)
        raise AssertionError


def deaf(ctx: JobContext, params: Params) -> Result:
    """Never ask whether to stop, and survive whatever is raised meanwhile."""
    with attempt_in_ledger(ctx) as (_, fence):
        until = time.monotonic() + 600
        while time.monotonic() < until:
            try:
                while time.monotonic() < until:
                    time.sleep(0.05)
            except BaseException:  # noqa: BLE001 - that is the point of it
                continue
        return Result(label=params.label, fence=fence, steps=0, began_at=0)


def _kind(name: str, run: Any, **more: Any) -> JobKind:
    return JobKind(
        name=name, title=name, params=Params, result=Result, run=run,
        count=lambda result: result.steps, **more,
    )  # fmt: skip


THOROUGH = _kind("thorough", thorough, max_attempts=MANY_ATTEMPTS)
SEGFAULT = _kind("segfault", segfault, max_attempts=2)
GLUTTON = _kind("glutton", glutton, max_attempts=2, memory_limit_mb=300)
HOLDS_THE_GIL = _kind(
    "holds_the_gil", holds_the_gil, max_attempts=1, time_limit_seconds=TIME_LIMIT_SECONDS
)
DEAF = _kind("deaf", deaf, max_attempts=2)
