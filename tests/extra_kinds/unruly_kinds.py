"""Kinds that do not behave, or are stopped before they are done."""

from __future__ import annotations

import logging
import time
from collections import deque
from itertools import repeat
from pathlib import Path
from typing import Any

from extra_kinds import Params, Result, mark
from pydantic import BaseModel

from tasks.context import JobContext
from tasks.registry import JobKind

MIB = 1024 * 1024


class Collection(BaseModel):
    """What has been found."""

    found: list[int]


def collects(ctx: JobContext, params: Params) -> Collection:
    """Find something at each step, and show what there is so far."""
    found: list[int] = []
    for _, step in ctx.track(range(params.steps), unit="steps", stage="Collecting"):
        found.append(step)
        ctx.partial(Collection(found=found))
        mark(params, f"found {step}")
        time.sleep(params.step_seconds)
    return Collection(found=found)


def ignores_stop(ctx: JobContext, params: Params) -> Collection:
    """Show something, then never ask again whether to go on, whatever is raised."""
    ctx.partial(Collection(found=[1, 2, 3]))
    mark(params, f"start {ctx.attempt}")
    until = time.monotonic() + params.steps * params.step_seconds
    while time.monotonic() < until:
        try:
            time.sleep(0.05)
        except Exception:  # noqa: BLE001 - that is the point of it
            mark(params, "ignored")
    mark(params, "end")
    return Collection(found=[])


def holds_everything(ctx: JobContext, params: Params) -> Result:
    """Be in native code that lets no other thread run and hears no signal."""
    mark(params, f"start {ctx.attempt}")
    deque(repeat(None, 10**12), maxlen=0)
    raise AssertionError


def hungry(ctx: JobContext, params: Params) -> Result:
    """Ask for as many times 100 MB as there are steps, and write to all of it."""
    mark(params, f"start {ctx.attempt}")
    held = [bytearray(100 * MIB) for _ in range(params.steps)]
    return Result(counted=len(held))


def tattling(ctx: JobContext, params: Params) -> Result:
    """Say aloud, log and fail with what it finds in a file, down to a cause of the cause."""
    words = Path(params.marks or "").read_text()
    print(words)
    logging.getLogger("a.library").warning("it says %s", words)
    try:
        raise OSError(words)  # noqa: TRY301
    except OSError as error:
        raise RuntimeError(f"because of {words}") from error


def _kind(name: str, run: Any, result: type[BaseModel], **more: Any) -> JobKind:
    return JobKind(name=name, title=name, params=Params, result=result, run=run, **more)


COLLECTS = _kind("collects", collects, Collection, count=lambda result: len(result.found))
IGNORES_STOP = _kind("ignores_stop", ignores_stop, Collection)
HOLDS_EVERYTHING = _kind("holds_everything", holds_everything, Result, time_limit_seconds=1)
HUNGRY = _kind("hungry", hungry, Result, memory_limit_mb=1024)
TATTLING = _kind("tattling", tattling, Result, max_attempts=1)
