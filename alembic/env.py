"""Run the migrations: as the tables' owner, one at a time, never waiting long for a lock."""

import time

from alembic import context
from sqlalchemy import create_engine, pool, text

from models import Base
from models.session import sqlalchemy_url
from models.settings import Settings

# Arbitrary, but the same in every release: two deployments never migrate at once.
ADVISORY_LOCK = 8_247_001


def _owner_url() -> str:
    given = context.config.attributes.get("url")
    if given:
        return str(given)
    settings = Settings.from_env()
    if settings.migration_database_url is None:
        raise SystemExit("MIGRATION_DATABASE_URL: is not set; migrations run as the tables' owner")
    return settings.migration_database_url.get_secret_value()


def _ours(_object, name, type_, reflected, _compare_to) -> bool:
    """Leave Celery's own result tables out of the comparison with our models."""
    return not (type_ == "table" and reflected and name.startswith("celery_"))


def run() -> None:
    engine = create_engine(sqlalchemy_url(_owner_url()), poolclass=pool.NullPool)
    with engine.connect() as connection:
        # Asked for again and again: a statement that waits for it would hold a snapshot, and
        # an index that is built concurrently waits for all of those to end.
        while not connection.scalar(
            text("select pg_try_advisory_lock(:key)"), {"key": ADVISORY_LOCK}
        ):
            connection.rollback()
            time.sleep(0.2)
        connection.execute(text("set lock_timeout = '4s'"))
        connection.execute(text("set statement_timeout = '60s'"))
        # Or a migration that freezes halfway locks its tables for as long as it sleeps.
        connection.execute(text("set idle_in_transaction_session_timeout = '60s'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            transaction_per_migration=True,
            compare_type=True,
            include_object=_ours,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
