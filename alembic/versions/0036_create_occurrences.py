"""create occurrences

Each slot of a saved search that has come: the job it became, or why it became none. A slot is a local
date and time and the line of the schedule that named it; there is one row for it, whoever writes.

Revision ID: 0036
Revises: 0035
"""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

PERSON = "(select nullif(current_setting('textback.user_id', true), '')::uuid)"


def upgrade() -> None:
    op.execute(
        """
        create table occurrences (
            id bigint generated always as identity constraint pk_occurrences primary key,
            saved_search_id uuid not null,
            owner_id uuid not null,
            slot_local timestamp not null,
            cron_line text not null,
            due_at timestamptz not null,
            decided_at timestamptz not null default clock_timestamp(),
            job_id uuid constraint fk_occurrences_job_id_jobs references jobs (id) on delete set null,
            skipped text,
            settled_at timestamptz,
            constraint uq_occurrences_saved_search_id_slot_local_cron_line
                unique (saved_search_id, slot_local, cron_line),
            constraint fk_occurrences_saved_search_id_owner_id_saved_searches
                foreign key (saved_search_id, owner_id) references saved_searches (id, owner_id)
                on delete cascade on update cascade,
            constraint ck_occurrences_skipped check
                (skipped in ('still_running', 'missed', 'superseded', 'away', 'not_offered'))
        )
        """
    )
    op.execute("create index ix_occurrences_decided_at on occurrences (decided_at)")
    op.execute(
        "create index ix_occurrences_job_id on occurrences (job_id) where job_id is not null"
    )
    op.execute(
        "create index ix_occurrences_unsettled on occurrences (job_id)"
        " where job_id is not null and settled_at is null"
    )
    op.execute("alter table occurrences enable row level security")
    op.execute("alter table occurrences force row level security")
    # Written by the sweep alone: what was due is no opinion of its person.
    op.execute("grant select on occurrences to textback_web")
    op.execute("grant select, insert, update, delete on occurrences to textback_operator")
    op.execute(
        "create policy web_select on occurrences for select to textback_web"
        f" using (owner_id = {PERSON})"
    )
    op.execute(
        "create policy operator_all on occurrences for all to textback_operator"
        " using (true) with check (true)"
    )


def downgrade() -> None:
    op.execute("drop table occurrences")
