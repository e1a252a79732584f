"""Run the migrations: as the tables' owner, one at a time, never waiting long for a lock."""

import math
import time

from alembic import context
from sqlalchemy import create_engine, pool, text

from models import Base
from models.session import sqlalchemy_url
from models.settings import Settings

# Arbitrary, but the same in every release: two deployments never migrate at once.
ADVISORY_LOCK = 8_247_001
PATIENCE_SECONDS = 3.0  # then it is said what is waited for


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
        say_at = time.monotonic() + PATIENCE_SECONDS
        while not connection.scalar(
            text("select pg_try_advisory_lock(:key)"), {"key": ADVISORY_LOCK}
        ):
            connection.rollback()
            if time.monotonic() > say_at:
                context.config.print_stdout("waiting for another migration of this database")
                say_at = math.inf
            time.sleep(0.2)
        connection.execute(text("set lock_timeout = '4s'"))
        connection.execute(text("set statement_timeout = '60s'"))
        # Or a migration that freezes halfway keeps its tables, and the lock, for as long as it
        # sleeps; or a machine that loses its power does, for two hours.
        for limit in ("idle_in_transaction_session_timeout", "idle_session_timeout"):
            connection.execute(text(f"set {limit} = '60s'"))
        connection.execute(text("set tcp_keepalives_idle = 10"))
        connection.execute(text("set tcp_keepalives_interval = 5"))
        connection.execute(text("set tcp_keepalives_count = 2"))
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
