"""`textback texts`: texts that a person has to decide about, for those without a browser."""

from __future__ import annotations

from uuid import UUID

import click

from models.errors import TextbackError


@click.group()
def texts() -> None:
    """Look after texts."""


@texts.command()
@click.option("--mark-sent", "sent", type=click.UUID, help="This one did go out.")
@click.option("--give-up", type=click.UUID, help="Leave this one unsent.")
@click.option("--send-again", "again", type=click.UUID,
              help="Send this one once more; its person may get it twice.")  # fmt: skip
def review(sent: UUID | None, give_up: UUID | None, again: UUID | None) -> None:
    """List the texts of which nobody knows whether they went out, or decide about one."""
    asked = {"sent": sent, "give-up": give_up, "again": again}
    chosen = {verb: text_id for verb, text_id in asked.items() if text_id is not None}
    if len(chosen) > 1:
        raise TextbackError("Decide about one text at a time.")
    for verb, text_id in chosen.items():
        _decide(verb, text_id)
    if not chosen:
        _list()


def _decide(verb: str, text_id: UUID) -> None:
    from models import Database, Settings
    from models.review import VERBS

    database = Database(Settings.from_env())
    try:
        with database.operator() as session:
            job_id = VERBS[verb](session, text_id)
    finally:
        database.dispose()
    if job_id is None:
        raise TextbackError(f"{text_id} waits for no decision.")
    click.echo("Done.")


def _list() -> None:
    from sqlalchemy import select

    from models import Database, Notification, NotificationStatus, Settings

    database = Database(Settings.from_env())
    try:
        with database.operator() as session:
            found = session.scalars(
                select(Notification)
                .where(Notification.status == NotificationStatus.NEEDS_REVIEW)
                .order_by(Notification.id)
            ).all()
    finally:
        database.dispose()
    for one in found:
        click.echo(
            f"{one.id}  job {one.job_id}  since {one.updated_at:%Y-%m-%d %H:%M}Z  "
            f"code {one.error_code or 'none'}  resends {one.resends}"
        )
    if not found:
        click.echo("No text waits for a decision.")
