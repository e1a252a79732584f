"""The application on real servers, and A and B as programs that call it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_client import MANY, Api, close_app, make_token
from cast import Person
from flask import Flask
from processes import Processes

from models import Database, Settings
from webapp import create_app


@pytest.fixture(scope="session")
def app(settings: Settings) -> Iterator[Flask]:
    """The application, without limits that tests together would run into."""
    app = create_app(settings.model_copy(update={"submits_per_minute": MANY}))
    yield app
    close_app(app)


@pytest.fixture
def make_app(settings: Settings) -> Iterator[Any]:
    """Make an application with other settings."""
    made: list[Flask] = []

    def make(**changes: Any) -> Flask:
        app = create_app(settings.model_copy(update={"submits_per_minute": MANY, **changes}))
        made.append(app)
        return app

    yield make
    for app in made:
        close_app(app)


@pytest.fixture
def token_a(database: Database, person_a: Person) -> str:
    """A's token."""
    return make_token(database, person_a)


@pytest.fixture
def a(app: Flask, token_a: str, person_a: Person) -> Api:
    """A, as a program."""
    return Api(app.test_client(), token_a, person_a.id)


@pytest.fixture
def b(app: Flask, database: Database, person_b: Person) -> Api:
    """B, as a program."""
    return Api(app.test_client(), make_token(database, person_b), person_b.id)


@pytest.fixture
def stranger(app: Flask) -> Api:
    """Somebody without a token."""
    return Api(app.test_client(), None)


@pytest.fixture
def processes(environment: dict[str, str], settings: Settings, tmp_path: Path) -> Iterator[Any]:
    """Real processes that end with the test."""
    logs = tmp_path / "logs"
    logs.mkdir()
    processes = Processes(environment, logs)
    yield processes
    processes.end()
