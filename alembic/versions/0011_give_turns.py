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

INDEXES = {
    "ix_jobs_waiting": "(owner_id, queue, id) where status = 'queued' and dispatched_at is null",
    "ix_jobs_in_line": "(owner_id) where status = 'queued' and dispatched_at is not null",
    "ix_jobs_running_owner_id": "(owner_id) where status = 'running'",
}
FORMER = {"ix_jobs_running": "(id) where status = 'running'"}


def upgrade() -> None:
    op.execute("alter table jobs add column if not exists hinted_at timestamptz")
    with op.get_context().autocommit_block():
        _replace(FORMER, INDEXES)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        _replace(INDEXES, FORMER)
    op.execute("alter table jobs drop column hinted_at")


def _replace(old: dict[str, str], new: dict[str, str]) -> None:
    # Waiting for the transactions that are open keeps nobody waiting, so it has no limit. What an
    # interrupted run left, such as an index that is not valid, is made anew.
    op.execute("set statement_timeout = 0; set lock_timeout = 0")
    for name, columns in new.items():
        op.execute(f"drop index concurrently if exists {name}")
        op.execute(f"create index concurrently {name} on jobs {columns}")
    for name in old:
        op.execute(f"drop index concurrently if exists {name}")
    op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")
