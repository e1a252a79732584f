"""describe sessions

Which browser a session is of, in words, so that its person knows which one to end.

Revision ID: 0022
Revises: 0021
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table sessions add column device text")


def downgrade() -> None:
    op.execute("alter table sessions drop column device")
