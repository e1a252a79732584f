"""create notifications

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

PERSON = "(select nullif(current_setting('textback.user_id', true), '')::uuid)"


def upgrade() -> None:
    op.execute(
        """
        create table notifications (
            id uuid constraint pk_notifications primary key,
            job_id uuid not null,
            owner_id uuid not null,
            purpose text not null,
            status text not null default 'queued',
            provider text,
            provider_sid text,
            fence bigint not null default 0,
            attempts smallint not null default 0,
            segments smallint,
            lease_until timestamptz,
            not_before timestamptz,
            dispatched_at timestamptz,
            error_code text,
            created_at timestamptz not null default now(),
            updated_at timestamptz not null default now(),
            sent_at timestamptz,
            constraint uq_notifications_job_id_purpose unique (job_id, purpose),
            constraint ck_notifications_status check (status in ('queued', 'sending', 'sent',
                'delivered', 'undelivered', 'failed', 'unknown', 'needs_review')),
            constraint fk_notifications_job_id_owner_id_jobs foreign key (job_id, owner_id)
                references jobs (id, owner_id) on delete cascade on update cascade
        )
        """
    )
    op.execute(
        "create index ix_notifications_open on notifications (id)"
        " where status in ('queued', 'sending')"
    )
    op.execute("alter table notifications enable row level security")
    op.execute("alter table notifications force row level security")
    op.execute("grant select on notifications to textback_web")
    op.execute("grant select, insert, update on notifications to textback_worker")
    op.execute("grant select, insert, update, delete on notifications to textback_operator")
    op.execute(
        f"create policy web_select on notifications for select to textback_web"
        f" using (owner_id = {PERSON})"
    )
    op.execute(
        "create policy worker_select on notifications for select to textback_worker using (true)"
    )
    op.execute(
        "create policy worker_insert on notifications for insert to textback_worker"
        " with check (true)"
    )
    op.execute(
        "create policy worker_update on notifications for update to textback_worker"
        " using (true) with check (true)"
    )
    op.execute(
        "create policy operator_all on notifications for all to textback_operator"
        " using (true) with check (true)"
    )


def downgrade() -> None:
    op.execute("drop table notifications")
