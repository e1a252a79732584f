"""`textback account`: everything about a person, given to them or taken away for good."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from models.errors import TextbackError

if TYPE_CHECKING:
    from models import Database, Settings


@click.group()
def account() -> None:
    """Export or erase a person's account."""


def _whose(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--phone", help="Instead of the id: the account with this number.")(
        command
    )
    return click.argument("account_id", type=click.UUID, required=False)(command)


@account.command("export")
@_whose
def export_account(account_id: UUID | None, phone: str | None) -> None:
    """Print everything about a person as JSON, their number in clear."""
    from models import Database, Settings
    from models.exporting import export

    settings = Settings.from_env()
    database = Database(settings)
    try:
        found = find(database, settings, account_id, phone)
        for piece in export(database, settings, found):
            click.echo(piece, nl=False)
    finally:
        database.dispose()


@account.command("erase")
@_whose
@click.option("--yes", is_flag=True, help="Do not ask once more.")
def erase_account(account_id: UUID | None, phone: str | None, yes: bool) -> None:
    """Remove a person: searches, files, links, browsers and tokens, also what runs.

    What stays is a row with the id and when it was erased, and, for a number that wants no texts,
    its keyed hash. The provider is asked to delete the texts.
    """
    from models import Database, Settings
    from models.erasing import erase

    settings = Settings.from_env()
    database = Database(settings)
    try:
        found = find(database, settings, account_id, phone)
        if not yes:
            click.confirm(f"Erase the account {found}? Nothing brings it back.", abort=True)
        with database.operator() as session:
            erased = erase(session, found)
    finally:
        database.dispose()
    click.echo(
        f"Erased {found}: {erased.jobs} jobs, {erased.uploads} files; the provider is asked to "
        f"delete {erased.texts} texts."
    )


def find(
    database: Database, settings: Settings, account_id: UUID | None, phone: str | None
) -> UUID:
    """Return the account that was named, by its id or its number.

    Raises:
        TextbackError: none was named, or there is none.
    """
    from models import User
    from models.known_phone import account_with

    if (account_id is None) == (phone is None):
        raise TextbackError("Name the account by its id, or by --phone, and not by both.")
    with database.operator() as session:
        if phone is not None:
            return account_with(session, settings, phone)
        user = session.get(User, account_id)
        if user is None or user.erased_at is not None:
            raise TextbackError(f"There is no account {account_id}, or it was erased.")
        return user.id
