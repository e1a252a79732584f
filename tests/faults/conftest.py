"""One stage for all directed faults of a test process; each test finds it whole and empty."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from faults.stage import Caller, Stage


@pytest.fixture(scope="session")
def _stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture
def stage(_stage: Stage) -> Iterator[Stage]:
    """Servers, web process and nodes, mended after whatever came before; checked afterwards."""
    _stage.mend()
    yield _stage
    _stage.check()


@pytest.fixture
def a(stage: Stage) -> Caller:
    """A's program."""
    return stage.make_caller()


@pytest.fixture
def b(stage: Stage) -> Caller:
    """Somebody else's."""
    return stage.make_caller()
