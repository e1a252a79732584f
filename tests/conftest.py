"""Real servers for every test: one Postgres and one Valkey a test process, started here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest
from cast import Person, make_person
from standins.twilio import TwilioStandIn

from models import Database, Settings
from models.migrations import migrate
from tasks import registry
from webapp.embedded.postgres import EmbeddedPostgres
from webapp.embedded.valkey import EmbeddedValkey

# Of milliseconds for one example: that a machine does other things too is no finding.
hypothesis.settings.register_profile("textback", deadline=5000)
hypothesis.settings.load_profile("textback")

APP_LOGIN = "textback_app"
APP_PASSWORD = "only-for-tests-0123456789"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A Postgres of this test process alone; fast because nothing here must survive a crash."""
    server = EmbeddedPostgres(
        tmp_path_factory.mktemp("postgres"), settings={"fsync": "off", "synchronous_commit": "off"}
    )
    server.start()
    server.wait_ready()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A Valkey of this test process alone."""
    server = EmbeddedValkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    server.wait_ready()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def environment(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The environment of a process that uses the test servers."""
    return {
        "DATABASE_URL": postgres.url(APP_LOGIN, APP_PASSWORD),
        "MIGRATION_DATABASE_URL": postgres.owner_url(),
        "REDIS_URL": valkey.url(),
        "SECRET_KEY": "s" * 32,
        "LINK_KEY": "l" * 32,
        "PHONE_CIPHER_KEY": "c" * 32,
        "PHONE_HASH_KEY": "h" * 32,
        "SMS_PROVIDER": "console",
        "DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "FLOWER_PASSWORD": "flower-password",
        "PYTHONPATH": str(Path(__file__).parent / "extra_kinds"),
    }


@pytest.fixture(scope="session")
def settings(environment: dict[str, str]) -> Iterator[Settings]:
    """The settings of the test servers, on a migrated database; the environment says the same."""
    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.model_fields:
            patch.delenv(name.upper(), raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        settings = Settings.from_env()
        migrate(settings)
        # Each process reads its environment once: now, and not in a test that has changed it.
        from tasks import runtime
        from tasks.app import celery_app

        assert runtime.settings() == settings
        assert celery_app.conf.broker_url == settings.redis_url.get_secret_value()
        yield settings


@pytest.fixture(scope="session")
def database(settings: Settings) -> Iterator[Database]:
    """The pool of the test process, as the login the product uses."""
    database = Database(settings)
    yield database
    database.dispose()


@pytest.fixture
def owner_connection(settings: Settings) -> Iterator[psycopg.Connection]:
    """A connection as the tables' superuser, to look behind the policies."""
    assert settings.migration_database_url is not None
    url = settings.migration_database_url.get_secret_value()
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def twilio_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwilioStandIn]:
    """A stand-in for Twilio as a process of its own."""
    stand_in = TwilioStandIn.start(tmp_path_factory.mktemp("twilio") / "ledger.jsonl")
    yield stand_in
    stand_in.stop()


@pytest.fixture
def twilio(twilio_process: TwilioStandIn) -> TwilioStandIn:
    """The stand-in for Twilio, as new; tests/standins/twilio tells what it can do."""
    twilio_process.forget()
    return twilio_process


@pytest.fixture
def person_a(database: Database) -> Person:
    """The person a test is about."""
    return make_person(database)


@pytest.fixture
def person_b(database: Database) -> Person:
    """Somebody else, who must see nothing of A."""
    return make_person(database)


@pytest.fixture(scope="session")
def files() -> Path:
    """The folder of real pictures."""
    return Path(__file__).parent / "files"


@pytest.fixture(scope="session", autouse=True)
def extra_kinds() -> Iterator[None]:
    """Install the package of extra kinds, as an integrator would, by its entry points."""
    folder = str(Path(__file__).parent / "extra_kinds")
    sys.path.insert(0, folder)
    registry.kinds.cache_clear()
    yield
    sys.path.remove(folder)
