"""create saved searches

What a person wants searched again and again: what is asked, at which times by which clock, and when
the next of these times is.

Revision ID: 0033
Revises: 0032
"""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

PERSON = "(select nullif(current_setting('textback.user_id', true), '')::uuid)"


def upgrade() -> None:
    op.execute(
        """
        create table saved_searches (
            id uuid constraint pk_saved_searches primary key,
            owner_id uuid not null constraint fk_saved_searches_owner_id_users
                references users (id) on delete cascade on update cascade,
            name text not null,
            kind text not null,
            params jsonb not null,
            question_hash bytea not null,
            upload_ids uuid[] not null default '{}',
            locale text not null default 'en',
            notify text not null default 'new',
            cron_lines text[] not null,
            time_zone text not null,
            starts_at timestamptz,
            ends_at timestamptz,
            overlap text not null default 'skip',
            missed text not null default 'once',
            missed_limit_seconds integer not null default 21600,
            planned_until timestamptz not null default now(),
            next_slot_at timestamptz,
            paused_at timestamptz,
            pause_reason text,
            failures_in_a_row smallint not null default 0,
            baseline_at timestamptz,
            baseline_runs smallint not null default 0,
            idempotency_key text,
            request_hash bytea,
            created_at timestamptz not null default now(),
            updated_at timestamptz not null default now(),
            constraint ck_saved_searches_notify check (notify in ('always', 'new', 'never')),
            constraint ck_saved_searches_overlap check (overlap in ('skip', 'queue')),
            constraint ck_saved_searches_missed check (missed in ('skip', 'once')),
            constraint ck_saved_searches_cron_lines check (cardinality(cron_lines) between 1 and 12),
            constraint ck_saved_searches_pause check
                ((paused_at is null) = (pause_reason is null)
                 and pause_reason in ('person', 'failures'))
        )
        """
    )
    # What hangs on a search points at (id, owner_id), so that none can hang on somebody else's.
    op.execute("create unique index uq_saved_searches_id_owner_id on saved_searches (id, owner_id)")
    op.execute(
        "create index ix_saved_searches_due on saved_searches (next_slot_at)"
        " where paused_at is null and next_slot_at is not null"
    )
    op.execute("create index ix_saved_searches_owner_id on saved_searches (owner_id)")
    op.execute(
        "create unique index uq_saved_searches_owner_id_idempotency_key on saved_searches"
        " (owner_id, idempotency_key) where idempotency_key is not null"
    )
    op.execute("create index ix_saved_searches_upload_ids on saved_searches using gin (upload_ids)")
    op.execute("alter table saved_searches enable row level security")
    op.execute("alter table saved_searches force row level security")
    op.execute("grant select, insert, update, delete on saved_searches to textback_web")
    op.execute("grant select, update (baseline_at, baseline_runs) on saved_searches to textback_worker")
    op.execute("grant select, insert, update, delete on saved_searches to textback_operator")
    own = f"owner_id = {PERSON}"
    op.execute(
        f"create policy web_select on saved_searches for select to textback_web using ({own})"
    )
    op.execute(
        f"create policy web_insert on saved_searches for insert to textback_web with check ({own})"
    )
    op.execute(
        "create policy web_update on saved_searches for update to textback_web"
        f" using ({own}) with check ({own})"
    )
    op.execute(
        f"create policy web_delete on saved_searches for delete to textback_web using ({own})"
    )
    op.execute(
        "create policy worker_select on saved_searches for select to textback_worker using (true)"
    )
    op.execute(
        "create policy worker_update on saved_searches for update to textback_worker"
        " using (true) with check (true)"
    )
    op.execute(
        "create policy operator_all on saved_searches for all to textback_operator"
        " using (true) with check (true)"
    )
    op.execute(
        "create trigger saved_searches_refuse_erased before insert or update of owner_id"
        " on saved_searches for each row execute function textback_refuse_erased()"
    )


def downgrade() -> None:
    op.execute("drop table saved_searches")
