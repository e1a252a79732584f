"""create verification codes

Revision ID: 0020
Revises: 0019
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

PERSON = "(select nullif(current_setting('textback.user_id', true), '')::uuid)"


def upgrade() -> None:
    op.execute(
        """
        create table verification_codes (
            id uuid constraint pk_verification_codes primary key,
            owner_id uuid not null constraint fk_verification_codes_owner_id_users
                references users (id) on delete cascade on update cascade,
            phone_hash bytea not null,
            phone_ciphertext bytea,
            phone_country text not null,
            phone_last_digits text not null,
            locale text not null default 'en',
            job_id uuid,
            tries smallint not null default 0,
            status text not null default 'queued',
            provider text,
            provider_sid text,
            error_code text,
            attempts smallint not null default 0,
            lease_until timestamptz,
            not_before timestamptz,
            dispatched_at timestamptz,
            created_at timestamptz not null default now(),
            expires_at timestamptz not null,
            verified_at timestamptz,
            settled_at timestamptz,
            constraint ck_verification_codes_status check
                (status in ('queued', 'sending', 'sent', 'failed', 'unknown')),
            constraint ck_verification_codes_tries check (tries between 0 and 5)
        )
        """
    )
    op.execute("create index ix_verification_codes_owner_id on verification_codes (owner_id)")
    op.execute(
        "create index ix_verification_codes_open on verification_codes (id)"
        " where status in ('queued', 'sending')"
    )
    op.execute("create index ix_verification_codes_created_at on verification_codes (created_at)")
    op.execute("alter table verification_codes enable row level security")
    op.execute("alter table verification_codes force row level security")
    op.execute("grant select, insert, update on verification_codes to textback_web")
    op.execute("grant select, update on verification_codes to textback_worker")
    op.execute("grant select, insert, update, delete on verification_codes to textback_operator")
    own = f"owner_id = {PERSON}"
    op.execute(
        f"create policy web_select on verification_codes for select to textback_web using ({own})"
    )
    op.execute(
        f"create policy web_insert on verification_codes for insert to textback_web"
        f" with check ({own})"
    )
    op.execute(
        f"create policy web_update on verification_codes for update to textback_web"
        f" using ({own}) with check ({own})"
    )
    op.execute(
        "create policy worker_select on verification_codes for select to textback_worker"
        " using (true)"
    )
    op.execute(
        "create policy worker_update on verification_codes for update to textback_worker"
        " using (true) with check (true)"
    )
    op.execute(
        "create policy operator_all on verification_codes for all to textback_operator"
        " using (true) with check (true)"
    )


def downgrade() -> None:
    op.execute("drop table verification_codes")
