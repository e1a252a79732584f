"""remember lost sends

A text that did not arrive is sent again. The provider's id of the first send was forgotten then: late
reports about it were taken for the second's, and erasing an account could not have it deleted.

Revision ID: 0031
Revises: 0030
"""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table notifications add column if not exists lost_sids text[]")
    op.execute("grant update (lost_sids) on notifications to textback_gate")


def downgrade() -> None:
    op.execute("alter table notifications drop column lost_sids")
