"""create operator events

What somebody who runs the service should know, kept where no restart of a worker loses it.

Revision ID: 0016
Revises: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create table operator_events (
            id bigint generated always as identity constraint pk_operator_events primary key,
            at timestamptz not null default now(),
            event text not null,
            subject text,
            detail jsonb
        )
        """
    )
    op.execute("create index ix_operator_events_at on operator_events (at)")
    op.execute("grant insert on operator_events to textback_worker")
    op.execute("grant select, insert, delete on operator_events to textback_operator")


def downgrade() -> None:
    op.execute("drop table operator_events")
