"""create jobs

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PERSON = "(select nullif(current_setting('textback.user_id', true), '')::uuid)"


def upgrade() -> None:
    # fillfactor leaves room beside each row, so that a progress update stays on its page.
    op.execute(
        """
        create table jobs (
            id uuid constraint pk_jobs primary key,
            owner_id uuid not null constraint fk_jobs_owner_id_users
                references users (id) on delete cascade on update cascade,
            kind text not null,
            queue text not null,
            source text not null,
            client_context jsonb,
            params jsonb not null,
            locale text not null default 'en',
            notify text not null default 'none',
            status text not null default 'queued',
            progress smallint not null default 0,
            progress_done integer,
            progress_total integer,
            progress_unit text,
            stage text,
            eta_seconds integer,
            version integer not null default 1,
            result jsonb,
            result_count integer,
            partial boolean not null default false,
            error_code text,
            error_message text,
            checkpoint jsonb,
            rerun_of_id uuid,
            attempt smallint not null default 0,
            max_attempts smallint not null,
            fence integer not null default 0,
            lease_until timestamptz,
            worker text,
            not_before timestamptz,
            dispatched_at timestamptz,
            cancel_requested_at timestamptz,
            created_at timestamptz not null default now(),
            updated_at timestamptz not null default now(),
            started_at timestamptz,
            finished_at timestamptz,
            expires_at timestamptz not null,
            meta jsonb,
            constraint ck_jobs_status check
                (status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
            constraint ck_jobs_source check (source in ('manual', 'schedule', 'api', 'rerun')),
            constraint ck_jobs_progress check (progress between 0 and 100),
            constraint ck_jobs_notify check (notify in ('none', 'sms'))
        ) with (fillfactor = 70)
        """
    )
    op.execute("create unique index uq_jobs_id_owner_id on jobs (id, owner_id)")
    op.execute("create index ix_jobs_queued on jobs (queue, id) where status = 'queued'")
    op.execute("create index ix_jobs_running on jobs (id) where status = 'running'")
    op.execute("create index ix_jobs_owner_id_id on jobs (owner_id, id desc)")
    op.execute("create index ix_jobs_expires_at on jobs (expires_at)")

    op.execute("alter table jobs enable row level security")
    op.execute("alter table jobs force row level security")
    op.execute("grant select, insert, update, delete on jobs to textback_web, textback_operator")
    op.execute("grant select, update on jobs to textback_worker")
    own = f"owner_id = {PERSON}"
    op.execute(f"create policy web_select on jobs for select to textback_web using ({own})")
    op.execute(f"create policy web_insert on jobs for insert to textback_web with check ({own})")
    op.execute(
        f"create policy web_update on jobs for update to textback_web"
        f" using ({own}) with check ({own})"
    )
    op.execute(f"create policy web_delete on jobs for delete to textback_web using ({own})")
    # A worker writes by id and fence; both policies, or its update would touch 0 rows in silence.
    op.execute("create policy worker_select on jobs for select to textback_worker using (true)")
    op.execute(
        "create policy worker_update on jobs for update to textback_worker"
        " using (true) with check (true)"
    )
    op.execute(
        "create policy operator_all on jobs for all to textback_operator"
        " using (true) with check (true)"
    )

    # The second holder of the table of moves (the first is models/job.py): whatever writes, a job
    # that has ended keeps its end, and none is born ended.
    op.execute(
        """
        create function textback_guard_job() returns trigger language plpgsql as $$
        begin
            if tg_op = 'INSERT' then
                if new.status <> 'queued' or new.attempt <> 0 or new.fence <> 0 then
                    raise exception 'a job begins queued' using errcode = 'check_violation';
                end if;
            elsif new.status <> old.status and not (
                (old.status = 'queued' and new.status in ('running', 'failed', 'cancelled')) or
                (old.status = 'running' and
                    new.status in ('queued', 'succeeded', 'failed', 'cancelled'))
            ) then
                raise exception 'a job does not move from % to %', old.status, new.status
                    using errcode = 'check_violation';
            elsif new.fence < old.fence then
                raise exception 'the fence of a job never falls' using errcode = 'check_violation';
            end if;
            return new;
        end $$
        """
    )
    op.execute(
        """
        create trigger jobs_guard_insert before insert on jobs
        for each row execute function textback_guard_job()
        """
    )
    op.execute(
        """
        create trigger jobs_guard_update before update on jobs
        for each row when (old.status is distinct from new.status or new.fence < old.fence)
        execute function textback_guard_job()
        """
    )


def downgrade() -> None:
    op.execute("drop table jobs")
    op.execute("drop function textback_guard_job()")
