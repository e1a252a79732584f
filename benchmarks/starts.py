"""Measures what a newcomer waits for: a fresh clone, `make run`, the first text, the next start.

    python -m benchmarks.starts            # pip's cache as it is
    python -m benchmarks.starts --cold     # everything downloaded again

Wants a machine that does nothing else, and takes a minute or two. What is committed is measured.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.memory import holder, print_tree

ROOT = Path(__file__).parents[1]
TEXT_SECONDS_WARM, TEXT_SECONDS_COLD = 30, 90
SECOND_START_SECONDS = 5
MEMORY_MB = 450
SETTLE_SECONDS = 5
PATIENCE_SECONDS = 600
SERVES = "Ctrl-C stops everything"
HAS_TEXT = "Open it "


class Run:
    """A command that writes into a file, with the clock running from its start."""

    def __init__(self, argv: list[str], folder: Path, data: Path, env: dict[str, str]) -> None:
        self._output = data.with_suffix(".out")
        self._data = data
        self._began = time.monotonic()
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                argv, cwd=folder, stdout=output, stderr=subprocess.STDOUT, env=env
            )

    def seconds_until(self, words: str) -> float:
        while words not in (text := self._output.read_text()):
            if self._process.poll() is not None or self._seconds > PATIENCE_SECONDS:
                raise SystemExit(f"no {words!r} in\n{text}")
            time.sleep(0.02)
        return self._seconds

    def stop(self) -> float:
        """Stop it as Ctrl-C does and return the seconds that took."""
        began = time.monotonic()
        os.kill(holder(self._data), signal.SIGINT)
        if self._process.wait(60):
            raise SystemExit(self._output.read_text())
        return time.monotonic() - began

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cold", action="store_true", help="without pip's cache")
    is_cold = parser.parse_args().cold
    env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    if is_cold:
        env["PIP_NO_CACHE_DIR"] = "1"
    aims = []
    with tempfile.TemporaryDirectory() as name:
        clone, data = Path(name) / "textback", Path(name) / "var"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)

        first = Run(["make", "run", f"DATA={data}"], clone, data, env)
        serves, text = first.seconds_until(SERVES), first.seconds_until(HAS_TEXT)
        aims.append((text, TEXT_SECONDS_COLD if is_cold else TEXT_SECONDS_WARM, "s to the text"))
        time.sleep(SETTLE_SECONDS)
        megabytes = print_tree(holder(data)) / 1024
        aims.append((megabytes, MEMORY_MB, "MB"))
        stop = first.stop()

        again = Run([".venv/bin/textback", "run", "--data", str(data)], clone, data, env)
        second = again.seconds_until(SERVES)
        aims.append((second, SECOND_START_SECONDS, "s for the second start"))
        again.stop()
    how = "without a cache" if is_cold else "from pip's cache"
    print(f"{serves:7.1f} s   from `make run` until it serves, installed {how}")
    print(f"{text:7.1f} s   from `make run` until the text message")
    print(f"{stop:7.1f} s   to stop")
    print(f"{second:7.1f} s   for the second start")
    missed = [f"{value:.1f} {what}, not {aim}" for value, aim, what in aims if value > aim]
    raise SystemExit("; ".join(missed) or 0)


if __name__ == "__main__":
    main()
