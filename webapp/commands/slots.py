"""`textback slots`: the ledger of saved searches' slots, for those without a browser."""

from __future__ import annotations

import click


@click.command()
@click.option("--days", type=click.IntRange(1, 92), default=7, show_default=True)
def slots(days: int) -> None:
    """Tell which slots were due, ran, were late or skipped, by the day in UTC.

    How late: half of them at most so much, 99 of 100, and the latest.
    """
    from models import Database, Settings
    from models.ledger import days_of_slots, late_slots, zones_of

    database = Database(Settings.from_env())
    try:
        with database.operator() as session:
            found = days_of_slots(session, days)
            late = late_slots(session, days=days)
            zones = zones_of(session, late)
    finally:
        database.dispose()
    for day in found:
        click.echo(
            f"{day.day}  due {day.due}  ran {day.ran}  still running {day.still_running}  "
            f"missed {day.missed}  superseded {day.superseded}  away {day.away}  "
            f"not offered {day.not_offered}  "
            f"late half {day.late_p50:.1f} s, 99 of 100 {day.late_p99:.1f} s, "
            f"most {day.late_most:.1f} s"
        )
    if not found:
        click.echo("No saved search was due.")
    for slot in late:
        became = slot.skipped or f"job {slot.job_id}"
        click.echo(
            f"{slot.due_at:%Y-%m-%d %H:%M}Z  {slot.late.total_seconds():.0f} s late  {became}  "
            f"[{slot.cron_line}] {zones[slot.saved_search_id]}  search {slot.saved_search_id}"
        )
