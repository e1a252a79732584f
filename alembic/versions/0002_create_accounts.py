"""create accounts

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PERSON = "(select nullif(current_setting('textback.user_id', true), '')::uuid)"
PRESENTED = "(select decode(nullif(current_setting('textback.presented', true), ''), 'hex'))"


def upgrade() -> None:
    op.execute(
        """
        create table users (
            id uuid constraint pk_users primary key,
            role text not null default 'person',
            locale text not null default 'en',
            time_zone text not null default 'UTC',
            phone_ciphertext bytea,
            phone_hash bytea,
            phone_last_digits text,
            phone_country text,
            phone_verified_at timestamptz,
            last_seen_at timestamptz not null default now(),
            created_at timestamptz not null default now(),
            constraint ck_users_role check (role in ('person', 'operator'))
        )
        """
    )
    op.execute("create index ix_users_phone_hash on users (phone_hash)")
    for table in ("sessions", "api_tokens"):
        name = "name text not null," if table == "api_tokens" else ""
        used = "timestamptz" if table == "api_tokens" else "timestamptz not null default now()"
        op.execute(
            f"""
            create table {table} (
                id uuid constraint pk_{table} primary key,
                owner_id uuid not null constraint fk_{table}_owner_id_users
                    references users (id) on delete cascade on update cascade,
                {name}
                secret_hash bytea not null constraint uq_{table}_secret_hash unique,
                created_at timestamptz not null default now(),
                last_used_at {used},
                revoked_at timestamptz
            )
            """
        )
        op.execute(f"create index ix_{table}_owner_id on {table} (owner_id)")

    for table, owner in (("users", "id"), ("sessions", "owner_id"), ("api_tokens", "owner_id")):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"grant select, insert, update, delete on {table} to textback_web")
        op.execute(f"grant select, insert, update, delete on {table} to textback_operator")
        own = f"{owner} = {PERSON}"
        op.execute(f"create policy web_select on {table} for select to textback_web using ({own})")
        op.execute(
            f"create policy web_insert on {table} for insert to textback_web with check ({own})"
        )
        op.execute(
            f"create policy web_update on {table} for update to textback_web"
            f" using ({own}) with check ({own})"
        )
        op.execute(f"create policy web_delete on {table} for delete to textback_web using ({own})")
        op.execute(
            f"create policy operator_all on {table} for all to textback_operator"
            " using (true) with check (true)"
        )
    for table in ("sessions", "api_tokens"):
        op.execute(f"grant select on {table} to textback_gate")
        op.execute(
            f"create policy gate_select on {table} for select to textback_gate"
            f" using (secret_hash = {PRESENTED})"
        )
    # A worker needs the number to text and locks the row of the person it works for.
    op.execute("grant select, update (last_seen_at) on users to textback_worker")
    op.execute("create policy worker_select on users for select to textback_worker using (true)")
    op.execute(
        "create policy worker_update on users for update to textback_worker"
        " using (true) with check (true)"
    )


def downgrade() -> None:
    for table in ("api_tokens", "sessions", "users"):
        op.execute(f"drop table {table}")
