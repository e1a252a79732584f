"""Promises people forget: each fails the moment somebody does."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest
from celery import Celery

from models import Settings
from models.job import FINAL, TRANSITIONS, JobStatus
from tasks.registry import kinds

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def celeryconfig(settings: Settings) -> ModuleType:
    """Celery's settings, which read the environment when imported."""
    return importlib.import_module("celeryconfig")


@pytest.fixture
def celery_app(celeryconfig: ModuleType) -> Celery:
    """The application with every task module loaded."""
    app = importlib.import_module("tasks.app").celery_app
    app.loader.import_default_modules()
    return app


def test_every_setting_stands_in_the_readme(settings: Settings) -> None:
    """The table of settings is complete, and names none that does not exist."""
    readme = (ROOT / "README.md").read_text()
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", readme, re.MULTILINE))
    assert table == {name.upper() for name in Settings.model_fields}


def test_every_entry_of_beat_names_a_task(celeryconfig: ModuleType, celery_app: Celery) -> None:
    """A misspelt sweep would never run and nobody would hear of it."""
    for entry in celeryconfig.beat_schedule.values():
        assert entry["task"] in celery_app.tasks
        assert entry["options"]["queue"] in celeryconfig.QUEUE_NAMES
        assert celery_app.tasks[entry["task"]].send_events is False


def test_every_kind_is_served(celeryconfig: ModuleType) -> None:
    """A kind's queue exists, and its limit is shorter than a message's return."""
    assert "image_search" in kinds()
    for kind in kinds().values():
        assert kind.queue in (celeryconfig.INTERACTIVE, celeryconfig.SCHEDULED)
        assert kind.time_limit_seconds <= celeryconfig.LONGEST_JOB_SECONDS
        assert kind.params.model_json_schema()["properties"]


def test_every_status_has_a_way_out_or_is_final() -> None:
    """Nothing can get stuck by definition. Demand: 000-9, 002-5"""
    assert set(TRANSITIONS) == set(JobStatus)
    assert {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED} == FINAL
    reachable = {JobStatus.QUEUED}.union(*TRANSITIONS.values())
    assert reachable == set(JobStatus)


def test_messages_are_json_alone(celery_app: Celery) -> None:
    """Unpickling what a reachable Redis holds would be code execution."""
    assert celery_app.conf.accept_content == ["json"]
    assert celery_app.conf.task_serializer == celery_app.conf.result_serializer == "json"


def test_the_environment_is_read_in_one_place() -> None:
    """Settings, and the launcher that makes an environment for its children."""
    readers = {
        path.relative_to(ROOT).as_posix()
        for folder in ("models", "tasks", "webapp")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"os\.getenv|os\.environ(?!\[\"ORT_DISABLE_TELEMETRY\"\] =)", path.read_text())
    }
    assert readers <= {
        "webapp/cli.py",
        "webapp/console.py",
        "webapp/launcher.py",
        "webapp/processes.py",
    }, readers


def test_no_path_of_a_build_machine_and_no_registry_host_is_in_the_tree() -> None:
    """What is committed runs anywhere."""
    for path in [*ROOT.glob("requirements/*.lock"), ROOT / "Makefile", ROOT / "pyproject.toml"]:
        assert not re.search(r"https?://", path.read_text()), path.name
