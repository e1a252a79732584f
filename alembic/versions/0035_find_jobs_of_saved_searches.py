"""find jobs of saved searches

Its newest first, and whether one of them has not ended.

Revision ID: 0035
Revises: 0034
"""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_jobs_saved_search_id_id": "(saved_search_id, id desc) where saved_search_id is not null",
    "ix_jobs_saved_search_active": (
        "(saved_search_id) where saved_search_id is not null and status in ('queued', 'running')"
    ),
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # As in 0011: patient, and good to be done again.
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        for name, definition in _INDEXES.items():
            op.execute(f"drop index concurrently if exists {name}")
            op.execute(f"create index concurrently {name} on jobs {definition}")
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        for name in _INDEXES:
            op.execute(f"drop index concurrently if exists {name}")
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")
