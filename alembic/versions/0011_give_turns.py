"""give turns

A person has only so many jobs running or in line. `dispatched_at` is now when a job got its place in
line (null: it waits behind its owner's others), `hinted_at` when the last message about it went out.
The former release gives every job its place at once, which does no harm: the claim has the last word.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table jobs add column hinted_at timestamptz")
    with op.get_context().autocommit_block():
        op.execute("set statement_timeout = 0")
        op.execute(
            "create index concurrently ix_jobs_waiting on jobs (owner_id, queue, id)"
            " where status = 'queued' and dispatched_at is null"
        )
        op.execute(
            "create index concurrently ix_jobs_in_line on jobs (owner_id)"
            " where status = 'queued' and dispatched_at is not null"
        )
        op.execute(
            "create index concurrently ix_jobs_running_owner_id on jobs (owner_id)"
            " where status = 'running'"
        )
        op.execute("drop index concurrently ix_jobs_running")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("set statement_timeout = 0")
        op.execute(
            "create index concurrently ix_jobs_running on jobs (id) where status = 'running'"
        )
        for name in ("ix_jobs_running_owner_id", "ix_jobs_in_line", "ix_jobs_waiting"):
            op.execute(f"drop index concurrently {name}")
    op.execute("alter table jobs drop column hinted_at")
