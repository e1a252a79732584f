"""check jobs of saved searches

What 0034 promised of rows to come holds for all of them. Apart from it, because it reads the whole
table, and only here without keeping anybody from it.

Revision ID: 0040
Revises: 0039
"""

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

CONSTRAINTS = ("fk_jobs_saved_search_id_owner_id_saved_searches", "ck_jobs_notify")


def upgrade() -> None:
    for name in CONSTRAINTS:
        op.execute(f"alter table jobs validate constraint {name}")


def downgrade() -> None:
    """A constraint that holds is no weaker for having been checked."""
