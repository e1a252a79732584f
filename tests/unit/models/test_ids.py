"""Ids sort by time and cannot be guessed."""

from __future__ import annotations

import time

from models.ids import new_id


def test_ids_are_version_7_sort_by_time_and_do_not_repeat() -> None:
    """74 random bits each, unlike a clock and a short suffix. Demand: 000-8, 002-2"""
    ids = [new_id() for _ in range(2000)]
    assert len(set(ids)) == len(ids)
    assert {(i.version, i.variant) for i in ids} == {(7, "specified in RFC 4122")}
    before = time.time_ns() // 1_000_000
    later = [new_id() for _ in range(10)]
    assert all(abs((i.int >> 80) - before) < 5_000 for i in later)
    assert len({i.int & ((1 << 62) - 1) for i in ids}) == len(ids)
