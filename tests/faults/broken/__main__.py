"""`make must-fail`: every must-fail run, and a table of what each found."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from faults.broken.runs import RUNS, staged


def main() -> int:
    """Do the runs one after the other; the exit code says whether each was caught."""
    caught = 0
    print(f"{'guard taken out':34} | invariant | seconds | what it found")
    for run in RUNS:
        began = time.monotonic()
        with (
            tempfile.TemporaryDirectory(prefix="textback-must-fail-") as folder,
            staged(Path(folder), run.module) as scene,
        ):
            run.act(scene)
            found = run.found(scene)
        caught += found is not None
        seconds = time.monotonic() - began
        print(f"{run.guard:34} | {run.invariant:9} | {seconds:7.0f} | {found or 'NOTHING'}")
    print(f"{caught} of {len(RUNS)} caught")
    return 0 if caught == len(RUNS) else 1


if __name__ == "__main__":
    sys.exit(main())
