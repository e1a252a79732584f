"""Kinds that say in a ledger outside the database what they did, and sign all that they write.

Every stage, checkpoint and result names the fence of the attempt that wrote it. A row whose fence
is another when such a write arrives has been written by somebody who had lost the job. A checkpoint
names the process too: a claim that was lost with Postgres is followed by one with its fence.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tasks.context import JobContext
from tasks.errors import JobError, ProviderError
from tasks.registry import JobKind

LEDGER = "FAULTS_LEDGER"
# High, so that no innocent job runs out of attempts because it was hit too often.
MANY_ATTEMPTS = 25
POISON_ATTEMPTS = 3


class Params(BaseModel):
    """How long to take.

    `label` is the requester's own name for the request; a requester who asks again says it again.
    """

    model_config = ConfigDict(extra="forbid")
    label: str = ""
    steps: int = Field(2, ge=1, le=1000)
    step_seconds: float = Field(0, ge=0, le=60)
    falters: int = Field(1, ge=0, le=10)


class Result(BaseModel):
    """What came out, signed by the attempt that made it."""

    label: str
    fence: int
    steps: int
    began_at: int


class Ledger:
    """Appends lines that no crash can take back: one write each, to a file opened for appending."""

    def __init__(self, job_id: object, attempt: int, fence: int) -> None:
        self._head = f"{job_id} {fence} {attempt} {os.getpid()}"
        self._file = os.open(os.environ[LEDGER], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, what: str, step: int = 0) -> None:
        """Note one thing: `begin`, `step`, `end` (all the work is done) or `leave`."""
        os.write(self._file, f"{self._head} {what} {step} {time.time():.6f}\n".encode())

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


@contextmanager
def attempt_in_ledger(ctx: JobContext) -> Iterator[tuple[Ledger, int]]:
    """Note begin and end of an attempt; a killed one has no `leave`."""
    fence = ctx._claim.fence
    ledger = Ledger(ctx.job_id, ctx.attempt, fence)
    ledger.write("begin")
    try:
        yield ledger, fence
        ledger.write("end")
    finally:
        ledger.write("leave")
        ledger.close()


def sign(fence: int) -> dict[str, Any]:
    """Return what a checkpoint says of who wrote it."""
    return {"fence": fence, "process": os.getpid()}


def steady(ctx: JobContext, params: Params) -> Result:
    """Take the steps one after the other, and go on from the last one kept."""
    with attempt_in_ledger(ctx) as (ledger, fence):
        return _take_steps(ctx, params, ledger, fence)


def wobbly(ctx: JobContext, params: Params) -> Result:
    """Fail `falters` times in a way that may pass, then do as `steady`."""
    with attempt_in_ledger(ctx) as (ledger, fence):
        faltered = (ctx.last_checkpoint or {}).get("faltered", 0)
        if faltered < params.falters:
            ctx.checkpoint({**sign(fence), "done": 0, "faltered": faltered + 1})
            raise ProviderError(f"It faltered. fence={fence}", permanent=False)
        return _take_steps(ctx, params, ledger, fence, faltered=faltered)


def hopeless_case(ctx: JobContext, params: Params) -> Result:
    """Give up for good."""
    with attempt_in_ledger(ctx) as (_, fence):
        ctx.progress(0, total=params.steps, unit="steps", stage=f"Trying fence={fence}")
        time.sleep(params.step_seconds)
        raise JobError("hopeless", f"There is no hope for this one. fence={fence}")


def poison(ctx: JobContext, params: Params) -> Result:
    """Kill the process it runs in, each time."""
    with attempt_in_ledger(ctx) as (ledger, _):
        time.sleep(params.step_seconds)
        ledger.write("poison")
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def _take_steps(ctx: JobContext, params: Params, ledger: Ledger, fence: int, **kept: Any) -> Result:
    began_at = (ctx.last_checkpoint or {}).get("done", 0)
    for step in range(began_at, params.steps):
        ctx.progress(step, total=params.steps, unit="steps", stage=f"Stepping fence={fence}")
        time.sleep(params.step_seconds)
        ledger.write("step", step)
        ctx.checkpoint({**sign(fence), "done": step + 1, **kept})
    return Result(label=params.label, fence=fence, steps=params.steps, began_at=began_at)


def _kind(name: str, run: Any, *, max_attempts: int = MANY_ATTEMPTS) -> JobKind:
    return JobKind(
        name=name, title=name, params=Params, result=Result, run=run, max_attempts=max_attempts,
        count=lambda result: result.steps,
    )  # fmt: skip


STEADY = _kind("steady", steady)
HOPELESS_CASE = _kind("hopeless_case", hopeless_case)
WOBBLY = _kind("wobbly", wobbly)
POISON = _kind("poison", poison, max_attempts=POISON_ATTEMPTS)
