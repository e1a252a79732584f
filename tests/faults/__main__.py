"""`make faults`: one random run from the command line; the exit code says whether all held."""

from __future__ import annotations

import argparse
import secrets
import sys

from faults.harness.run import Plan, run


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, help="any number; drawn and printed unless given")
    parser.add_argument("--lease", type=float, default=3, help="LEASE_SECONDS, 2 to 30")
    parser.add_argument("--deadline", type=float, help="seconds after which it has failed")
    parser.add_argument("--broken", help="a guard to take out: a module in faults.broken")
    parser.add_argument("--keep", action="store_true", help="keep the folder of a good run too")
    parser.add_argument(
        "--texts", choices=("twilio", "console"), default="twilio", help="who carries texts"
    )
    given = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    outcome = run(
        Plan(
            jobs=given.jobs,
            kills=given.kills,
            seed=secrets.randbelow(1_000_000) if given.seed is None else given.seed,
            lease_seconds=given.lease,
            deadline_seconds=given.deadline or 120 + given.jobs * 0.12 + given.kills,
            broken=given.broken,
            keep=given.keep,
            texts=given.texts,
        )
    )
    return 0 if outcome.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
