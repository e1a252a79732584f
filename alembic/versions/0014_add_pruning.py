"""add pruning

An expired job keeps its row, so that its person is told that it has expired; what it held goes.

Revision ID: 0014
Revises: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table jobs add column if not exists pruned_at timestamptz")
    with op.get_context().autocommit_block():
        # As in 0011: patient, and good to be done again.
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        op.execute("drop index concurrently if exists ix_jobs_unpruned")
        op.execute(
            "create index concurrently ix_jobs_unpruned on jobs (expires_at)"
            " where pruned_at is null"
        )
        op.execute("drop index concurrently if exists ix_jobs_expires_at")
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        op.execute("drop index concurrently if exists ix_jobs_expires_at")
        op.execute("create index concurrently ix_jobs_expires_at on jobs (expires_at)")
        op.execute("drop index concurrently if exists ix_jobs_unpruned")
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")
    op.execute("alter table jobs drop column pruned_at")
