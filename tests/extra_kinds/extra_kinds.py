"""Kinds as an integrator's package brings them: one file, found through an entry point."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tasks.context import JobContext
from tasks.errors import JobError
from tasks.registry import JobKind


class Params(BaseModel):
    """Where to leave marks, and how long to take."""

    model_config = ConfigDict(extra="forbid")
    marks: str | None = None
    steps: int = Field(3, ge=1, le=1000)
    step_seconds: float = Field(0, ge=0)


class Result(BaseModel):
    """What was counted, and where the attempt began."""

    counted: int
    began_at: int = 0


def mark(params: Params, word: str) -> None:
    """Leave a mark outside the database, whole or not at all."""
    if params.marks:
        file = os.open(params.marks, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, f"{word}\n".encode())
        os.close(file)


def count_slowly(ctx: JobContext, params: Params) -> Result:
    """Count, with a checkpoint at each step."""
    began_at = (ctx.last_checkpoint or {}).get("done", 0)
    mark(params, f"start {ctx.attempt} {os.getpid()}")
    for done, step in ctx.track(range(params.steps), unit="steps", stage="Counting"):
        if step >= began_at:
            time.sleep(params.step_seconds)
            ctx.checkpoint({"done": done + 1})
    mark(params, f"end {ctx.attempt}")
    return Result(counted=params.steps, began_at=began_at)


def broken(ctx: JobContext, params: Params) -> Result:
    """Break with an error nobody foresaw."""
    mark(params, f"start {ctx.attempt}")
    raise RuntimeError("a private detail")


def hopeless(ctx: JobContext, params: Params) -> Result:
    """Give up for good."""
    raise JobError("hopeless", "There is no hope for this one.")


def deadly(ctx: JobContext, params: Params) -> Result:
    """Take the worker's process along."""
    mark(params, f"start {ctx.attempt}")
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def careless(ctx: JobContext, params: Params) -> Result:
    """Answer with what does not fit the kind's own model."""
    return Result(counted="many")  # type: ignore[arg-type]


class Odd(BaseModel):
    """A result with what Postgres refuses."""

    value: Any


def unstorable(ctx: JobContext, params: Params) -> Odd:
    """Answer with a number that is none."""
    return Odd(value=float("nan"))


def _kind(name: str, run: Any, result: type[BaseModel] = Result, **more: Any) -> JobKind:
    return JobKind(name=name, title=name, params=Params, result=result, run=run, **more)


COUNT_SLOWLY = _kind("count_slowly", count_slowly, count=lambda result: result.counted)
BROKEN = _kind("broken", broken, max_attempts=2)
HOPELESS = _kind("hopeless", hopeless)
DEADLY = _kind("deadly", deadly, max_attempts=2)
CARELESS = _kind("careless", careless)
UNSTORABLE = _kind("unstorable", unstorable, result=Odd)
FOLDER = Path(__file__).parent
