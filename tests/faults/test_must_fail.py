"""The suite with one guard taken out at a time: each must be noticed by what it protects."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.broken.runs import RUNS, Run, staged


@pytest.mark.timeout(300)
@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.module)
def test_a_missing_guard_is_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], run: Run
) -> None:
    """And by the very invariant that it is there for."""
    with staged(tmp_path, run.module) as scene:
        run.act(scene)
        found = run.found(scene)
        others = [each.name for each in scene.findings() if each.broken]
    assert found, f"not noticed by {run.invariant}, only by {others}"
    with capsys.disabled():
        print(f"\nwithout {run.guard}: {run.invariant}: {found}")


@pytest.mark.timeout(400)
def test_the_same_scenes_break_nothing_while_the_guards_are_in_place(tmp_path: Path) -> None:
    """So it is the missing guard that is noticed, and not the act.

    Demand: 002-45, 004-34
    """
    with staged(tmp_path) as scene:
        for run in RUNS:
            run.act(scene)
        broken = {each.name: each.broken for each in scene.findings() if each.broken}
    assert broken == {}
