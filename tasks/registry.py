"""The kinds of job there are: the built-in ones and those other packages bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session

from models.errors import TextbackError

BUILT_IN = ("tasks.kinds.image_search", "tasks.kinds.posting_search")
ENTRY_POINT_GROUP = "textback.kinds"


class UnknownKindError(TextbackError):
    """There is no such kind of job."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """Everything the product needs to know to offer a kind of job.

    Attributes:
        name: the word in the API and in the row, e.g. `image_search`.
        title: what people call it, in English; pages translate it.
        params: what goes in; its JSON Schema makes the form and the documentation.
        result: what comes out.
        run: the work, as plain Python: `run(ctx, params) -> result`.
        description: one sentence for people.
        queue: `interactive` for work somebody waits for, `scheduled` for the rest.
        time_limit_seconds: after this the attempt is stopped, and a little later killed.
        memory_limit_mb: what the attempt may hold in memory, the worker's own share included.
        max_attempts: attempts in all, counted when claimed.
        retention_days: how long the answer and its link live; None for RETENTION_DAYS.
        check: what only the database can tell at submit; raises ParamsError.
        count: how many things the answer holds, for "24 results".
        keys: what each thing in the answer is known by from run to run, for "3 new of 24"; without
            it an answer that differs is one new thing.
        is_whole: whether an answer holds all there was to find; a part sets no measure for what is
            new.
        about: what a job is about, in at most three words for its text: `about(params, result,
            locale)`, where the result is None unless it succeeded; None for the title.
    """

    name: str
    title: str
    params: type[BaseModel]
    result: type[BaseModel]
    run: Callable[[Any, Any], BaseModel]
    description: str = ""
    queue: str = "interactive"
    time_limit_seconds: int = 600
    memory_limit_mb: int = 2048
    max_attempts: int = 3
    retention_days: int | None = None
    check: Callable[[Session, Any], None] | None = None
    count: Callable[[Any], int] | None = None
    keys: Callable[[Any], list[str]] | None = None
    is_whole: Callable[[Any], bool] | None = None
    about: Callable[[Any, Any, str], str | None] | None = None


@cache
def kinds() -> Mapping[str, JobKind]:
    """Return every kind by name, the built-in ones first."""
    found: dict[str, JobKind] = {}
    for module in BUILT_IN:
        kind = import_module(module).KIND
        found[kind.name] = kind
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        kind = entry.load()
        found[kind.name] = kind
    return found


def find_kind(name: str) -> JobKind:
    """Return the kind of this name.

    Raises:
        UnknownKindError: names the kinds there are.
    """
    try:
        return kinds()[name]
    except KeyError:
        known = ", ".join(sorted(kinds()))
        raise UnknownKindError(
            f"There is no kind of job called {name!r}. There is: {known}."
        ) from None
