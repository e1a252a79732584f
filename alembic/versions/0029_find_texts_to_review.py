"""find texts to review

The few texts that wait for a person's decision, among all there ever were.

Revision ID: 0029
Revises: 0028
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # As in 0011: patient, and good to be done again.
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        op.execute("drop index concurrently if exists ix_notifications_review")
        op.execute(
            "create index concurrently ix_notifications_review on notifications (job_id)"
            " where status = 'needs_review'"
        )
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        op.execute("drop index concurrently if exists ix_notifications_review")
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")
