"""create suppressions

Numbers that want no texts, as keyed hashes: they outlive the account.

Revision ID: 0018
Revises: 0017
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

PRESENTED = "(select decode(nullif(current_setting('textback.presented', true), ''), 'hex'))"
OWN = "phone_hash in (select phone_hash from users)"


def upgrade() -> None:
    op.execute(
        """
        create table suppressions (
            phone_hash bytea constraint pk_suppressions primary key,
            reason text not null,
            created_at timestamptz not null default now(),
            constraint ck_suppressions_reason check
                (reason in ('reply', 'link', 'account', 'carrier'))
        )
        """
    )
    op.execute("alter table suppressions enable row level security")
    op.execute("alter table suppressions force row level security")
    # A person turns texts off and on; the policy of users leaves only their own number.
    op.execute("grant select, insert, delete on suppressions to textback_web")
    op.execute(f"create policy web_select on suppressions for select to textback_web using ({OWN})")
    op.execute(
        f"create policy web_insert on suppressions for insert to textback_web with check ({OWN})"
    )
    op.execute(f"create policy web_delete on suppressions for delete to textback_web using ({OWN})")
    # Who presents the hash of a number speaks for it: a reply with STOP or START.
    op.execute("grant select, insert, delete on suppressions to textback_gate")
    mine = f"phone_hash = {PRESENTED}"
    op.execute(
        f"create policy gate_select on suppressions for select to textback_gate using ({mine})"
    )
    op.execute(
        f"create policy gate_insert on suppressions for insert to textback_gate with check ({mine})"
    )
    op.execute(
        f"create policy gate_delete on suppressions for delete to textback_gate using ({mine})"
    )
    op.execute("grant select, insert on suppressions to textback_worker")
    op.execute(
        "create policy worker_select on suppressions for select to textback_worker using (true)"
    )
    op.execute(
        "create policy worker_insert on suppressions for insert to textback_worker with check (true)"
    )
    op.execute("grant select, insert, delete on suppressions to textback_operator")
    op.execute(
        "create policy operator_all on suppressions for all to textback_operator"
        " using (true) with check (true)"
    )


def downgrade() -> None:
    op.execute("drop table suppressions")
