"""A kind of job that is done at once, with five progress reports: what remains is our own cost."""

from __future__ import annotations

import time

from pydantic import BaseModel

from tasks.context import JobContext
from tasks.registry import JobKind


class Params(BaseModel):
    """How many steps to take."""

    steps: int = 5


class Result(BaseModel):
    """What was done, and when the work began (seconds of the clock)."""

    steps: int
    began: float


def run(ctx: JobContext, params: Params) -> Result:
    """Take the steps."""
    began = time.time()
    for step in range(1, params.steps + 1):
        ctx.progress(step, total=params.steps, stage=f"Step {step}")
    return Result(steps=params.steps, began=began)


KIND = JobKind(name="five_steps", title="Five steps", params=Params, result=Result, run=run)
