"""Bring the database to this release: migrations as the owner, then the login and its roles."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy import make_url

from models.errors import SettingsError
from models.row_security import ROLES
from models.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


def alembic_config(owner_url: str) -> Config:
    """Return the configuration of Alembic for one database."""
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = owner_url
    return config


def migrate(settings: Settings) -> None:
    """Migrate to the newest revision and make the login of DATABASE_URL what it must be.

    Raises:
        SettingsError: MIGRATION_DATABASE_URL is missing, or the owner may not do what is needed.
    """
    if settings.migration_database_url is None:
        raise SettingsError(
            "MIGRATION_DATABASE_URL: is not set; migrations run as the tables' owner"
        )
    owner_url = settings.migration_database_url.get_secret_value()
    command.upgrade(alembic_config(owner_url), "head")
    grant_login(owner_url, settings.database_url.get_secret_value())


def grant_login(owner_url: str, login_url: str) -> None:
    """Make the login where it is missing, and a member of each role without inheriting it.

    Inherited membership would let the login see every row with nothing set (tried).
    """
    login = make_url(login_url)
    if not login.username or login.password is None:
        raise SettingsError("DATABASE_URL: must name a login and its password")
    name = sql.Identifier(login.username)
    with psycopg.connect(owner_url, connect_timeout=5) as connection:
        connection.execute("set idle_in_transaction_session_timeout = '60s'")
        # Roles are the cluster's; two databases of one cluster may be migrated at once.
        connection.execute("select pg_advisory_xact_lock(8247002)")
        known = connection.execute(
            "select rolsuper or rolbypassrls from pg_roles where rolname = %s", (login.username,)
        ).fetchone()
        if known is not None and known[0]:
            raise SettingsError(
                f"DATABASE_URL: the login {login.username} is a superuser or has BYPASSRLS; "
                "name another one, it is made if it does not exist"
            )
        # An existing login gets the password of DATABASE_URL too, so that changing it is one step.
        verb = sql.SQL("create" if known is None else "alter")
        password = sql.Literal(str(login.password))
        connection.execute(sql.SQL("{} role {} login password {}").format(verb, name, password))
        for role in ROLES:
            connection.execute(
                sql.SQL("grant {} to {} with inherit false, set true").format(
                    sql.Identifier(role), name
                )
            )
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("grant connect on database {} to {}").format(database, name))
