"""count texts once

When a text was counted against the caps of its day, so that no second try of it counts again.

Revision ID: 0027
Revises: 0026
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table notifications add column if not exists counted_at timestamptz")
    with op.get_context().autocommit_block():
        # As in 0011: patient, and good to be done again.
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        op.execute("drop index concurrently if exists ix_notifications_counted")
        op.execute(
            "create index concurrently ix_notifications_counted"
            " on notifications (owner_id, counted_at) where counted_at is not null"
        )
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        op.execute("drop index concurrently if exists ix_notifications_counted")
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")
    op.execute("alter table notifications drop column if exists counted_at")
