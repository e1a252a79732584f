"""let links stop texts

Who holds the link of a text may say that its number wants no more: the gate sees that one person's
number as a keyed hash and its last digits, and nothing else of the account.

Revision ID: 0024
Revises: 0023
"""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("grant select (id, phone_hash, phone_last_digits) on users to textback_gate")
    op.execute(
        "create policy gate_select on users for select to textback_gate"
        " using (id in (select owner_id from result_links where purpose = 'text'))"
    )


def downgrade() -> None:
    op.execute("drop policy gate_select on users")
    op.execute("revoke select on users from textback_gate")
