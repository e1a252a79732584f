"""`textback operator`: who may see the pages under /operator."""

from __future__ import annotations

import click

_PHONE = click.option(
    "--phone", required=True, help="A number that its person has verified, in E.164."
)


@click.group()
def operator() -> None:
    """People who may see /operator/texts and /operator/slots, and decide about texts."""


@operator.command("add")
@_PHONE
def add_operator(phone: str) -> None:
    """Make the person with this number an operator."""
    _set_role(phone, "operator")
    click.echo(
        "Done. Signed in with this number, they find the texts at /operator/texts and the slots of "
        "saved searches at /operator/slots."
    )


@operator.command("remove")
@_PHONE
def remove_operator(phone: str) -> None:
    """Let them be a person like others again."""
    _set_role(phone, "person")
    click.echo("Done.")


@operator.command("list")
def list_operators() -> None:
    """Print the operators: account, masked number, since when they were last here."""
    from sqlalchemy import select

    from models import Database, Settings, User
    from models.phone import mask

    database = Database(Settings.from_env())
    try:
        with database.operator() as session:
            found = session.scalars(
                select(User).where(User.role == "operator").order_by(User.created_at)
            ).all()
    finally:
        database.dispose()
    for user in found:
        digits = mask(user.phone_last_digits) if user.phone_last_digits else "no number"
        click.echo(f"{user.id}  {digits}  last here {user.last_seen_at:%Y-%m-%d %H:%M}Z")
    if not found:
        click.echo("There is none. `textback operator add --phone NUMBER` makes one.")


def _set_role(phone: str, role: str) -> None:
    from models import Database, Settings, User
    from models.known_phone import account_with

    settings = Settings.from_env()
    database = Database(settings)
    try:
        with database.operator() as session:
            session.get_one(User, account_with(session, settings, phone)).role = role
    finally:
        database.dispose()
