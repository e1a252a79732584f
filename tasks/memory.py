"""A ceiling for what one job may take of the machine's memory."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_MIB = 1024 * 1024


@contextmanager
def memory_limit(megabytes: int) -> Iterator[None]:
    """Let allocations fail with MemoryError once this process holds so much data.

    RLIMIT_DATA counts what a process may write to and shares with nobody. RLIMIT_AS would also
    count libraries and files that are only mapped, which cost little and differ by machine.
    The ceiling is the soft one and is lifted at the end, so that the failure can be written down.
    Systems other than Linux do not enforce it; there the limit on the pool's children remains.
    """
    if sys.platform != "linux":
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = megabytes * _MIB
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
