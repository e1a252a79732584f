"""find waiting jobs by queue

Whoever gives turns in one queue walks past the persons who wait in another: a hundred thousand
scheduled searches must cost nothing to those that somebody waits for.

Revision ID: 0039
Revises: 0038
"""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # As in 0011: patient, and good to be done again.
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        op.execute("drop index concurrently if exists ix_jobs_waiting_in_queue")
        op.execute(
            "create index concurrently ix_jobs_waiting_in_queue on jobs (queue, owner_id, id)"
            " where status = 'queued' and dispatched_at is null"
        )
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        op.execute("drop index concurrently if exists ix_jobs_waiting_in_queue")
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")
