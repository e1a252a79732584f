"""The must-fail runs take guards out; nothing that people install can do that."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.broken.runs import RUNS
from faults.broken.statements import take_out

from models import Settings

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = [
    ROOT / "celeryconfig.py",
    *(path for folder in ("alembic", "models", "tasks", "webapp")
      for path in (ROOT / folder).rglob("*.py")),
]  # fmt: skip
# The tops of what stands in tests/, and the folder itself.
TESTS = {"tests", *(path.stem for path in (ROOT / "tests").iterdir() if path.stem[0] not in "._")}


def imported(path: Path) -> Iterator[str]:
    """Yield every module a file imports, also by a name in quotation marks."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
        elif (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", getattr(node.func, "attr", "")).endswith("import_module")
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value)


def test_the_product_imports_no_test() -> None:
    """Not even inside a function."""
    found = {
        f"{path.relative_to(ROOT)}: {module}"
        for path in PRODUCT
        for module in imported(path)
        if module.split(".")[0] in TESTS - {"unit"}
    }
    assert len(PRODUCT) > 100
    assert not found


def test_the_product_reads_no_switch_for_a_guard() -> None:
    """No word of the suite stands in it: no module, no variable of the environment."""
    words = re.compile(r"faults\.|FAULTS_|MACHINE_|TEXTBACK_FAULTS|take_out|taken_out")
    statements = (ROOT / "models" / "queries").glob("*.sql")
    found = {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in [*PRODUCT, *statements, ROOT / "Dockerfile", ROOT / "docker-compose.yml"]
        for match in words.finditer(path.read_text())
    }
    assert not found


def test_no_setting_names_a_module_to_load() -> None:
    """What is loaded is said in the code; an environment cannot bring anything in."""
    dynamic = {
        path.relative_to(ROOT).as_posix()
        for path in PRODUCT
        if re.search(r"import_module\((?!\")|__import__\(|\bexec\(|\beval\(", path.read_text())
    }
    assert dynamic <= {
        "tasks/providers/__init__.py",  # dotted paths of ours, chosen by name
        "tasks/registry.py",  # the built-in kinds; those of others come by entry points
        "webapp/celery_processes.py",  # the list of what is loaded before a fork
    }, dynamic


def test_tests_are_not_installed() -> None:
    """The wheel has no folder of tests, so the suite is not even there."""
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert setup["packages"]["find"]["include"] == ["webapp*", "tasks*", "models*"]
    assert setup["py-modules"] == ["celeryconfig"]


# Loads each module in a child of its own, as a node of the fault suite does.
LOAD_EACH = """
import importlib, os, sys
import models, tasks.runtime
for name in sys.argv[1:]:
    if os.fork() == 0:
        importlib.import_module(name)
        os._exit(0)
    assert os.wait()[1] == 0, name
"""


def test_each_guard_that_is_taken_out_is_there(
    environment: dict[str, str], settings: Settings
) -> None:
    """A must-fail run whose guard has another wording today would prove nothing."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD_EACH, *(f"faults.broken.{run.module}" for run in RUNS)],
        cwd=ROOT / "tests", capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with pytest.raises(AssertionError, match="has no"):
        take_out("finish_job", "a guard that was never there")
