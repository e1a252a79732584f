"""create daily counters

What was used up of each day's caps. Kept in Postgres, so that they hold while Redis is away, and
nothing that costs money happens while they cannot be counted.

Revision ID: 0019
Revises: 0018
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create table daily_counters (
            day date not null,
            scope text not null,
            key bytea not null,
            count integer not null,
            constraint pk_daily_counters primary key (day, scope, key)
        )
        """
    )
    op.execute(
        "grant select, insert, update on daily_counters"
        " to textback_web, textback_gate, textback_worker"
    )
    op.execute("grant select, insert, update, delete on daily_counters to textback_operator")


def downgrade() -> None:
    op.execute("drop table daily_counters")
