"""Sweep once, as beat would have it, and say what was done: `python -m faults.sweep rescue`."""

from __future__ import annotations

import json
import sys
import time

from tasks import sweeps


def main() -> None:
    """Wait for the word on the input, so that several begin at the same moment."""
    sweep = {"rescue": sweeps.rescue_stalled_jobs, "dispatch": sweeps.dispatch_waiting_jobs}
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.monotonic()
    count = sweep[sys.argv[1]]()
    print(json.dumps({"count": count, "seconds": round(time.monotonic() - began, 3)}), flush=True)


if __name__ == "__main__":
    main()
