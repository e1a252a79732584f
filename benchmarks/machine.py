"""What processes cost: their CPU time and their memory, children included."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.memory import pss_kib, tree

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(root: int) -> float:
    """Return the CPU time of a process and its descendants, the ended ones included."""
    total = 0
    for pid, _ in tree(root):
        try:
            state = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        # utime, stime and those of reaped children.
        total += sum(int(word) for word in state.rsplit(")", 1)[1].split()[11:15])
    return total / TICKS


def own_cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process without its children."""
    state = Path(f"/proc/{pid}/stat").read_text()
    return sum(int(word) for word in state.rsplit(")", 1)[1].split()[11:13]) / TICKS


def megabytes(root: int) -> float:
    """Return the memory of a process and its descendants (PSS)."""
    return sum(pss_kib(pid) for pid, _ in tree(root)) / 1024


def percentile(values: list[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
