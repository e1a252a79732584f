"""Print the memory of a process and all it started: PSS, which counts a shared page once.

Usage: python benchmarks/memory.py PID | --data DIR   (DIR: the folder of a running `textback run`)
"""

import argparse
import re
from pathlib import Path

PROC = Path("/proc")


def parents() -> dict[int, int]:
    """Map each process to its parent."""
    found = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                state = (folder / "stat").read_text()
            except OSError:
                continue
            found[int(folder.name)] = int(state.rsplit(")", 1)[1].split()[1])
    return found


def pss_kib(pid: int) -> int:
    """Return a process's proportional set size in KiB; 0 when it has gone."""
    try:
        text = (PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return 0
    match = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
    return int(match[1]) if match else 0


def command(pid: int) -> str:
    """Return what a process was started as, shortened to what tells it from the others."""
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return "(gone)"
    text = " ".join(Path(word.decode()).name if b"/" in word else word.decode() for word in words)
    return text.strip()[:90]


def tree(root: int) -> list[tuple[int, int]]:
    """List (pid, depth) of a process and its descendants, parents first."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found: list[tuple[int, int]] = []

    def visit(pid: int, depth: int) -> None:
        found.append((pid, depth))
        for child in sorted(children.get(pid, [])):
            visit(child, depth + 1)

    visit(root, 0)
    return found


def holder(data: Path) -> int:
    """Return the process of the launcher that uses this folder."""
    found = re.search(r"process (\d+)", (data / "launcher.lock").read_text())
    if found is None:
        raise SystemExit(f"nothing runs on {data}")
    return int(found[1])


def print_tree(root: int) -> int:
    """Print a process and its descendants with their memory; return the sum in KiB."""
    found = [(pss_kib(pid), pid, depth) for pid, depth in tree(root)]
    for size, pid, depth in found:
        print(f"{size / 1024:7.1f} MB  {'  ' * depth}{command(pid)}")
    total = sum(size for size, _, _ in found)
    print(f"{total / 1024:7.1f} MB  in all ({len(found)} processes, PSS)")
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pid", nargs="?", type=int)
    parser.add_argument("--data", type=Path, default=Path("var"))
    options = parser.parse_args()
    print_tree(options.pid or holder(options.data))


if __name__ == "__main__":
    main()
