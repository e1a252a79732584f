"""Real Chromium on real processes: browsers of people who never saw the page before."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator
from typing import Any

import psycopg
import pytest
import redis
from api_client import start_web
from browser_steps import PHONE, Meet, Person, Product
from playwright.sync_api import Browser, expect, sync_playwright
from processes import Processes, wait_for

from models import Database, Settings
from tasks.providers.catalog.sample import load_sample_catalog

expect.set_options(timeout=20_000)  # of a machine that has other things to do
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No sandbox, since tests run as root in containers; no calls home.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser of this machine."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("There is no Chromium here: `make test` installs it as root on Debian.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def nothing_to_do(settings: Settings) -> None:
    """No job and no message that other tests left, for workers to do instead of ours."""
    assert settings.migration_database_url is not None
    with psycopg.connect(
        settings.migration_database_url.get_secret_value(), autocommit=True
    ) as connection:
        connection.execute("update jobs set status = 'cancelled' where status = 'queued'")
        connection.execute("update jobs set status = 'cancelled' where status = 'running'")
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        client.flushall()


@pytest.fixture(scope="module")
def product(
    environment: dict[str, str],
    database: Database,
    nothing_to_do: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Product]:
    """A web process and workers."""
    load_sample_catalog(database)
    logs = tmp_path_factory.mktemp("logs")
    processes = Processes(environment, logs)
    try:
        address = start_web(processes).address
        # Apart from the one that does jobs: codes are texted while no job begins.
        processes.start(
            "worker", "--queues", "notifications", "--name", "texts", "--pool", "solo",
            BASE_URL=address,
        )  # fmt: skip
        worker = processes.start(
            "worker", "--queues", "interactive", "--concurrency", "2", BASE_URL=address
        )
        for number in (-1, -2):
            wait_for(lambda: " ready." in processes.log(number), 30, "the worker")  # noqa: B023
        yield Product(address, worker.pid)
    finally:
        processes.end()


_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether a test failed, for what is still to be told of it."""
    report = yield
    item.stash[_FAILED] = report.failed
    return report


@pytest.fixture
def meet(request: pytest.FixtureRequest, chromium: Browser, product: Product) -> Iterator[Meet]:
    """Meet somebody with a browser of their own; at the end it must have nothing to complain of."""
    people: list[Person] = []

    def somebody(language: str = "en-GB", size: dict[str, int] = PHONE, **more: Any) -> Person:
        context = chromium.new_context(
            viewport=size,
            locale=language,
            **{"timezone_id": "Asia/Seoul", **more},  # type: ignore[arg-type]
        )
        context.set_default_timeout(20_000)
        people.append(Person(context, product.address))
        return people[-1]

    yield somebody
    if request.node.stash[_FAILED]:
        print(*(person.tell() for person in people), sep="\n\n")
    for person in people:
        person.context.close()
    assert [complaint for person in people for complaint in person.complaints] == []
