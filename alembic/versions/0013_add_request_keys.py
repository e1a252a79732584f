"""add request keys

What tells a repeated request from a new one: the caller's own key with a hash of what came under it,
and a hash of the question itself.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

INDEXES = {
    "uq_jobs_owner_id_idempotency_key": (
        "unique index",
        "(owner_id, idempotency_key) where idempotency_key is not null",
    ),
    "ix_jobs_open_question": (
        "index",
        "(owner_id, question_hash)"
        " where status in ('queued', 'running') and question_hash is not null",
    ),
    # By age: keys are let go after a week.
    "ix_jobs_keyed": ("index", "(created_at) where idempotency_key is not null"),
}


def upgrade() -> None:
    op.execute(
        "alter table jobs add column if not exists idempotency_key text,"
        " add column if not exists request_hash bytea,"
        " add column if not exists question_hash bytea"
    )
    with op.get_context().autocommit_block():
        # As in 0011: patient, and good to be done again.
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        for name, (what, columns) in INDEXES.items():
            op.execute(f"drop index concurrently if exists {name}")
            op.execute(f"create {what} concurrently {name} on jobs {columns}")
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        for name in INDEXES:
            op.execute(f"drop index concurrently if exists {name}")
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")
    op.execute(
        "alter table jobs drop column question_hash, drop column request_hash,"
        " drop column idempotency_key"
    )
