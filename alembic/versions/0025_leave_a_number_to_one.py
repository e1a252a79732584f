"""leave a number to one account

A number two accounts have verified stays with the one that verified it last, for the next migration
allows no second. The others keep it as a number that is still to be verified.

Revision ID: 0025
Revises: 0024
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("select set_config('role', 'textback_operator', true)")
    op.execute(
        """
        update users set phone_verified_at = null
        where phone_verified_at is not null and exists (
            select 1 from users as later
            where later.phone_hash = users.phone_hash and later.phone_verified_at is not null
              and (later.phone_verified_at, later.id) > (users.phone_verified_at, users.id)
        )
        """
    )
    op.execute("select set_config('role', 'none', true)")


def downgrade() -> None:
    """What was verified twice is not known any more, and nothing needs it."""
