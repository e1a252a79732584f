"""create job events

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PERSON = "(select nullif(current_setting('textback.user_id', true), '')::uuid)"


def upgrade() -> None:
    op.execute(
        """
        create table job_events (
            id bigint generated always as identity constraint pk_job_events primary key,
            job_id uuid not null,
            owner_id uuid not null,
            at timestamptz not null default now(),
            event text not null,
            attempt smallint,
            detail jsonb,
            constraint fk_job_events_job_id_owner_id_jobs foreign key (job_id, owner_id)
                references jobs (id, owner_id) on delete cascade on update cascade
        )
        """
    )
    op.execute("create index ix_job_events_job_id_id on job_events (job_id, id)")
    op.execute("alter table job_events enable row level security")
    op.execute("alter table job_events force row level security")
    # Append-only: nobody but the operator's erasure may change or remove what happened.
    op.execute("grant select, insert on job_events to textback_web, textback_worker")
    op.execute("grant select, insert, delete on job_events to textback_operator")
    own = f"owner_id = {PERSON}"
    op.execute(f"create policy web_select on job_events for select to textback_web using ({own})")
    op.execute(
        f"create policy web_insert on job_events for insert to textback_web with check ({own})"
    )
    op.execute(
        "create policy worker_select on job_events for select to textback_worker using (true)"
    )
    op.execute(
        "create policy worker_insert on job_events for insert to textback_worker with check (true)"
    )
    op.execute(
        "create policy operator_all on job_events for all to textback_operator"
        " using (true) with check (true)"
    )


def downgrade() -> None:
    op.execute("drop table job_events")
