"""tell when links were opened

Who opens what a text leads to is there, though they sign in nowhere.

Revision ID: 0038
Revises: 0037
"""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table result_links add column opened_at timestamptz")
    op.execute("grant update (opened_at) on result_links to textback_gate")


def downgrade() -> None:
    op.execute("alter table result_links drop column opened_at")
