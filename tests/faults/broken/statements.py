"""Taking words out of a statement that this process has loaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from models.queries import query

# What an attempt writes or asks with its fence.
FENCED = (
    "check_claim",
    "finish_job",
    "renew_lease",
    "report_progress",
    "retry_job",
    "save_checkpoint",
    "save_partial",
)


def take_out(name: str, guard: str, instead: str = "") -> None:
    """Replace `guard` in the loaded statement `name`.sql, for every module that uses it.

    Raises:
        AssertionError: it has no such guard, so its run would prove nothing.
    """
    words = query(name).text
    assert guard in words, f"{name}.sql has no {guard!r} any more: the must-fail run needs another"
    # Every module holds the same object, which the cache of `query` made once.
    query(name).__dict__ = text(words.replace(guard, instead)).__dict__


@contextmanager
def taken_out(name: str, guard: str, instead: str = "") -> Iterator[None]:
    """Take a guard out for a while, in a process that is needed afterwards."""
    whole = query(name).__dict__
    take_out(name, guard, instead)
    try:
        yield
    finally:
        query(name).__dict__ = whole
