"""The migrations: named in order, one head, reversible, and equal to the models."""

from __future__ import annotations

import io
import re
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from processes import wait_for
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.engine import make_url

from models.errors import SettingsError
from models.migrations import ROOT, alembic_config, grant_login
from models.settings import Settings


@pytest.fixture
def empty_database_url(settings: Settings, owner_connection: psycopg.Connection) -> str:
    """A database beside the test database, with nothing in it."""
    name = "migrations"
    identifier = sql.Identifier(name)
    owner_connection.execute(sql.SQL("drop database if exists {} with (force)").format(identifier))
    owner_connection.execute(sql.SQL("create database {}").format(identifier))
    assert settings.migration_database_url is not None
    url = make_url(settings.migration_database_url.get_secret_value())
    return url.set(database=name).render_as_string(hide_password=False)


def _tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select c.relkind::text || ' ' || c.relname from pg_class c join pg_namespace n on"
            " n.oid = c.relnamespace where n.nspname = 'public' and c.relname not like 'alembic%'"
            " union all select 'f ' || p.proname from pg_proc p join pg_namespace n on"
            " n.oid = p.pronamespace where n.nspname = 'public' and p.proname like 'textback%'"
            " union all select 'p ' || tablename || ' ' || policyname || ' ' || qual"
            " from pg_policies"
        )
        return {row[0] for row in rows if row[0]}


def test_every_migration_can_be_undone_and_done_again(empty_database_url: str) -> None:
    """Up, down to nothing, up: the same schema. Demand: 002-12, 004-10, 003-15, 000-47."""
    config = alembic_config(empty_database_url)
    command.upgrade(config, "head")
    first = _tables(empty_database_url)
    assert "r jobs" in first
    command.downgrade(config, "base")
    left = _tables(empty_database_url)
    assert not left, left
    command.upgrade(config, "head")
    assert _tables(empty_database_url) == first


def test_who_waits_for_another_migration_says_so(empty_database_url: str) -> None:
    """Nothing is shown for a moment; then, what it waits for."""
    said = io.StringIO()
    config = alembic_config(empty_database_url)
    config.stdout = said
    with psycopg.connect(empty_database_url, autocommit=True) as other:
        other.execute("select pg_advisory_lock(8247001)")
        migrating = threading.Thread(target=command.upgrade, args=(config, "head"))
        migrating.start()
        wait_for(said.getvalue, what="a word")
        assert _tables(empty_database_url) == set()
    migrating.join(60)
    assert said.getvalue() == "waiting for another migration of this database\n"
    assert "r jobs" in _tables(empty_database_url)


def test_a_migration_may_not_be_silent_for_long(empty_database_url: str) -> None:
    """Frozen within a transaction it holds tables, and between two the lock of all migrations."""
    config = alembic_config(empty_database_url)
    command.upgrade(config, "head")
    limits: dict[str, str] = {}

    def look(_revision: Any, context: Any) -> list[Any]:
        for name in ("idle_in_transaction_session_timeout", "idle_session_timeout"):
            limits[name] = context.connection.execute(text(f"show {name}")).scalar_one()
        return []

    with EnvironmentContext(config, ScriptDirectory.from_config(config), fn=look):
        ScriptDirectory.from_config(config).run_env()
    assert set(limits.values()) == {"1min"}


def test_each_step_down_and_up_again(empty_database_url: str) -> None:
    """No migration leans on one that comes after it."""
    config = alembic_config(empty_database_url)
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    command.upgrade(config, "head")
    for revision in revisions:
        command.downgrade(config, "-1")
        command.upgrade(config, "+1")
        if revision != revisions[-1]:
            command.downgrade(config, "-1")


def test_an_interrupted_migration_is_done_again(empty_database_url: str) -> None:
    """An index is built outside the transaction, so what came before it stays when that fails."""
    config = alembic_config(empty_database_url)
    command.upgrade(config, "head")
    expected = _tables(empty_database_url)
    for revision in ("0010", "0012", "0013", "0016"):
        command.downgrade(config, revision)
        left = _tables(empty_database_url)
        command.upgrade(config, "+1")
        with psycopg.connect(empty_database_url) as connection:
            if revision == "0016":
                connection.execute("drop function textback_kind_durations")
            connection.execute("update alembic_version set version_num = %s", (revision,))
        assert _tables(empty_database_url) != left, "nothing was left behind"
        command.upgrade(config, "head")
        assert _tables(empty_database_url) == expected


def test_a_migration_waits_for_a_backup(empty_database_url: str) -> None:
    """A transaction that is older than the limit for locks does not make an index fail."""
    config = alembic_config(empty_database_url)
    command.upgrade(config, "0013")
    backup = psycopg.connect(empty_database_url)
    backup.execute("set transaction isolation level repeatable read")
    backup.execute("select 1")
    ends = threading.Timer(4.5, backup.close)
    ends.start()
    command.upgrade(config, "head")
    ends.join()


def test_models_equal_the_migrated_schema(empty_database_url: str) -> None:
    """What Alembic would still generate is nothing."""
    config = alembic_config(empty_database_url)
    command.upgrade(config, "head")
    command.check(config)


def test_there_is_one_head_and_names_are_in_order() -> None:
    """Two branches of migrations, or a misnamed file, stop here."""
    script = ScriptDirectory.from_config(alembic_config("postgresql://nowhere/none"))
    assert len(script.get_heads()) == 1
    for path in (ROOT / "alembic" / "versions").glob("*.py"):
        assert re.fullmatch(r"\d{4}_[a-z_]+", path.stem), path.name
        assert f'revision = "{path.stem[:4]}"' in path.read_text()


def test_the_migrations_folder_does_not_hide_the_library() -> None:
    """An __init__.py in alembic/ would break `from alembic import op` in every process."""
    assert not (Path(ROOT) / "alembic" / "__init__.py").exists()


def test_migrations_are_photographs() -> None:
    """A migration that imports a model changes when the model does."""
    for path in (ROOT / "alembic" / "versions").glob("*.py"):
        assert not re.search(
            r"^(from|import) (models|tasks|webapp)", path.read_text(), re.MULTILINE
        )


def test_the_page_about_the_database_is_complete(owner_connection: psycopg.Connection) -> None:
    """docs/DATABASE_SCHEMA.md names every column with its type. Demand: 004-10"""
    page = (ROOT / "docs" / "DATABASE_SCHEMA.md").read_text()
    described = set()
    for section in page.split("\n## ")[1:]:
        table = section.split("\n", 1)[0]
        for column, type_, null in re.findall(
            r"^\| `(\w+)` \| ([^|]+) \| (yes|no) \|", section, re.MULTILINE
        ):
            described.add(
                (
                    table,
                    column,
                    type_.replace("timestamptz", "timestamp with time zone").replace(" ", ""),
                    null,
                )
            )
    actual = owner_connection.execute(
        "select relname, attname, replace(format_type(atttypid, atttypmod), ' ', ''),"
        " case when attnotnull then 'no' else 'yes' end"
        " from pg_attribute join pg_class on pg_class.oid = attrelid"
        " where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0"
        " and not attisdropped and relname !~ '^(alembic|celery)_'"
    ).fetchall()
    assert described == {tuple(row) for row in actual}


def test_migrating_again_sets_the_logins_password_and_refuses_a_superuser(
    settings: Settings,
) -> None:
    """Changing the password in DATABASE_URL and migrating is all it takes; no login is raised."""
    assert settings.migration_database_url is not None
    owner_url = settings.migration_database_url.get_secret_value()
    login = make_url(settings.database_url.get_secret_value())
    changed = login.set(password="another-one").render_as_string(hide_password=False)
    grant_login(owner_url, changed)
    psycopg.connect(changed).close()
    grant_login(owner_url, login.render_as_string(hide_password=False))
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(changed)
    with pytest.raises(SettingsError, match="superuser"):
        grant_login(owner_url, owner_url)
