"""allow a verified number once

Revision ID: 0026
Revises: 0025
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # As in 0011: patient, and good to be done again.
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        op.execute("drop index concurrently if exists uq_users_verified_phone_hash")
        op.execute(
            "create unique index concurrently uq_users_verified_phone_hash on users (phone_hash)"
            " where phone_verified_at is not null"
        )
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        op.execute("drop index concurrently if exists uq_users_verified_phone_hash")
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")
