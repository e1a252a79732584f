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


def upgrade() -> None:
    op.execute(
        "alter table jobs add column idempotency_key text, add column request_hash bytea,"
        " add column question_hash bytea"
    )
    with op.get_context().autocommit_block():
        op.execute("set statement_timeout = 0")
        op.execute(
            "create unique index concurrently uq_jobs_owner_id_idempotency_key"
            " on jobs (owner_id, idempotency_key) where idempotency_key is not null"
        )
        op.execute(
            "create index concurrently ix_jobs_open_question on jobs (owner_id, question_hash)"
            " where status in ('queued', 'running') and question_hash is not null"
        )
        # By age: keys are let go after a week.
        op.execute(
            "create index concurrently ix_jobs_keyed on jobs (created_at)"
            " where idempotency_key is not null"
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in ("ix_jobs_keyed", "ix_jobs_open_question", "uq_jobs_owner_id_idempotency_key"):
            op.execute(f"drop index concurrently {name}")
    op.execute(
        "alter table jobs drop column question_hash, drop column request_hash,"
        " drop column idempotency_key"
    )
