"""describe sessions

Which browser a session is of, in words, so that its person knows which one to end.

Revision ID: 0024
Revises: 0023
"""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table sessions add column device text")


def downgrade() -> None:
    op.execute("alter table sessions drop column device")
