"""keep accounts apart

An erased account stays erased, whatever writes: nothing can be added to it, and its row does not
change any more. Nobody makes themselves an operator. A token knows which token made it, and goes
with it.

Revision ID: 0028
Revises: 0027
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

PERSON = "(select nullif(current_setting('textback.user_id', true), '')::uuid)"
OWN_COLUMNS = (
    "locale, time_zone, phone_ciphertext, phone_hash, phone_last_digits, phone_country,"
    " phone_verified_at, last_seen_at"
)
TABLES = ("jobs", "uploads", "sessions", "api_tokens", "verification_codes")


def upgrade() -> None:
    op.execute(
        "alter table api_tokens add column made_by_id uuid"
        " constraint fk_api_tokens_made_by_id_api_tokens references api_tokens (id)"
        " on delete cascade"
    )
    op.execute("create index ix_api_tokens_made_by_id on api_tokens (made_by_id)")
    op.execute(
        f"revoke update on users from textback_web; grant update ({OWN_COLUMNS}) on users"
        " to textback_web"
    )
    op.execute(
        "alter policy web_insert on users with check"
        f" (id = {PERSON} and role = 'person' and erased_at is null)"
    )
    # The lock is the one that the foreign key takes anyway. Whoever waits for it here while the
    # account is being erased sees that it is.
    op.execute(
        """
        create function textback_refuse_erased() returns trigger language plpgsql as $$
        declare
            gone timestamptz;
        begin
            select erased_at into gone from users where id = new.owner_id for key share;
            if gone is not null then
                raise exception 'an erased account stays empty' using errcode = 'check_violation';
            end if;
            return new;
        end $$
        """
    )
    for table in TABLES:
        op.execute(
            f"create trigger {table}_refuse_erased before insert or update of owner_id on {table}"
            " for each row execute function textback_refuse_erased()"
        )
    op.execute(
        """
        create function textback_keep_erased() returns trigger language plpgsql as $$
        begin
            raise exception 'an erased account stays erased' using errcode = 'check_violation';
        end $$
        """
    )
    op.execute(
        "create trigger users_keep_erased before update on users for each row"
        " when (old.erased_at is not null) execute function textback_keep_erased()"
    )


def downgrade() -> None:
    op.execute("drop trigger users_keep_erased on users")
    op.execute("drop function textback_keep_erased()")
    for table in TABLES:
        op.execute(f"drop trigger {table}_refuse_erased on {table}")
    op.execute("drop function textback_refuse_erased()")
    op.execute(f"alter policy web_insert on users with check (id = {PERSON})")
    op.execute(
        f"revoke update ({OWN_COLUMNS}) on users from textback_web;"
        " grant update on users to textback_web"
    )
    op.execute("alter table api_tokens drop column made_by_id")
