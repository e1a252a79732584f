"""Identifiers that sort by the time they were made."""

from __future__ import annotations

import os
import time
from uuid import UUID


def new_id() -> UUID:
    """Return a UUIDv7: 48 bits of milliseconds, 74 random bits.

    Made here rather than by the database so that Postgres 16 and up serve, and drawn from the
    operating system each time so that forked processes never share a generator's state.

    Source:
        RFC 9562, section 5.7.
    """
    milliseconds = time.time_ns() // 1_000_000
    bits = (milliseconds << 80) | int.from_bytes(os.urandom(10))
    bits &= ~(0xF << 76) & ~(0x3 << 62)
    return UUID(int=bits | (0x7 << 76) | (0x2 << 62))
