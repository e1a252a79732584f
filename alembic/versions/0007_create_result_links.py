"""create result links

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

PERSON = "(select nullif(current_setting('textback.user_id', true), '')::uuid)"
PRESENTED = "(select decode(nullif(current_setting('textback.presented', true), ''), 'hex'))"


def upgrade() -> None:
    op.execute(
        """
        create table result_links (
            id uuid constraint pk_result_links primary key,
            job_id uuid not null,
            owner_id uuid not null,
            purpose text not null,
            token_hash bytea not null constraint uq_result_links_token_hash unique,
            created_at timestamptz not null default now(),
            expires_at timestamptz not null,
            revoked_at timestamptz,
            opens integer not null default 0,
            constraint ck_result_links_purpose check (purpose in ('text', 'share')),
            constraint fk_result_links_job_id_owner_id_jobs foreign key (job_id, owner_id)
                references jobs (id, owner_id) on delete cascade on update cascade
        )
        """
    )
    op.execute("create index ix_result_links_job_id on result_links (job_id)")
    op.execute("alter table result_links enable row level security")
    op.execute("alter table result_links force row level security")
    op.execute("grant select, insert, update, delete on result_links to textback_web")
    op.execute("grant select, insert, update, delete on result_links to textback_operator")
    op.execute("grant select on result_links to textback_worker")
    op.execute("grant select, update (opens) on result_links to textback_gate")
    own = f"owner_id = {PERSON}"
    live = f"token_hash = {PRESENTED} and revoked_at is null and expires_at > now()"
    op.execute(f"create policy web_select on result_links for select to textback_web using ({own})")
    op.execute(
        f"create policy web_insert on result_links for insert to textback_web with check ({own})"
    )
    op.execute(
        f"create policy web_update on result_links for update to textback_web"
        f" using ({own}) with check ({own})"
    )
    op.execute(f"create policy web_delete on result_links for delete to textback_web using ({own})")
    op.execute(
        "create policy worker_select on result_links for select to textback_worker using (true)"
    )
    op.execute(
        f"create policy gate_select on result_links for select to textback_gate using ({live})"
    )
    op.execute(
        f"create policy gate_update on result_links for update to textback_gate"
        f" using ({live}) with check ({live})"
    )
    op.execute(
        "create policy operator_all on result_links for all to textback_operator"
        " using (true) with check (true)"
    )
    # Who presents a live link may read its one job, once that has ended.
    op.execute("grant select on jobs to textback_gate")
    op.execute(
        "create policy gate_select on jobs for select to textback_gate using ("
        " status in ('succeeded', 'failed', 'cancelled') and expires_at > now()"
        " and id in (select job_id from result_links))"
    )


def downgrade() -> None:
    op.execute("drop policy gate_select on jobs")
    op.execute("revoke select on jobs from textback_gate")
    op.execute("drop table result_links")
