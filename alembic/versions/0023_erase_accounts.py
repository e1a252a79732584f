"""erase accounts

The tombstone of an account, and which texts the provider still has to be asked to delete. Those
carry no person any more: only the provider's own id of each.

Revision ID: 0023
Revises: 0022
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table users add column erased_at timestamptz")
    op.execute(
        """
        create table texts_to_forget (
            provider text not null,
            provider_sid text not null,
            asked_at timestamptz not null default now(),
            not_before timestamptz not null default now(),
            attempts smallint not null default 0,
            constraint pk_texts_to_forget primary key (provider, provider_sid)
        )
        """
    )
    op.execute("grant select, insert, update, delete on texts_to_forget to textback_operator")


def downgrade() -> None:
    op.execute("drop table texts_to_forget")
    op.execute("alter table users drop column erased_at")
