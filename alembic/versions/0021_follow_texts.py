"""follow texts

Who holds a text while it is sent, whether the guard was passed, how often it was looked for at the
provider, and by which secret the provider's callback finds its row.

Revision ID: 0021
Revises: 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

PRESENTED = "(select decode(nullif(current_setting('textback.presented', true), ''), 'hex'))"
CALLED_BACK = (
    "status, provider_sid, error_code, lease_until, not_before, dispatched_at, resends,"
    " updated_at, sent_at, delivered_at"
)
INDEXES = {
    "uq_notifications_callback_hash": (
        "unique index",
        "(callback_hash) where callback_hash is not null",
    ),
    "ix_notifications_unknown": ("index", "(not_before) where status = 'unknown'"),
    "ix_notifications_sent_at": ("index", "(sent_at) where sent_at is not null"),
}


def upgrade() -> None:
    op.execute(
        "alter table notifications add column if not exists holder text,"
        " add column if not exists guarded_at timestamptz,"
        " add column if not exists callback_hash bytea,"
        " add column if not exists looks smallint not null default 0,"
        " add column if not exists resends smallint not null default 0,"
        " add column if not exists delivered_at timestamptz"
    )
    op.execute(
        f"grant select, update ({CALLED_BACK}) on notifications to textback_gate;"
        " drop policy if exists gate_select on notifications;"
        " drop policy if exists gate_update on notifications;"
        f" create policy gate_select on notifications for select to textback_gate"
        f" using (callback_hash = {PRESENTED});"
        f" create policy gate_update on notifications for update to textback_gate"
        f" using (callback_hash = {PRESENTED}) with check (callback_hash = {PRESENTED})"
    )
    op.execute("grant insert on operator_events to textback_gate, textback_web")
    with op.get_context().autocommit_block():
        # As in 0011: patient, and good to be done again.
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        for name, (what, columns) in INDEXES.items():
            op.execute(f"drop index concurrently if exists {name}")
            op.execute(f"create {what} concurrently {name} on notifications {columns}")
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        for name in INDEXES:
            op.execute(f"drop index concurrently if exists {name}")
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")
    op.execute("drop policy if exists gate_update on notifications")
    op.execute("drop policy if exists gate_select on notifications")
    op.execute("revoke select, update on notifications from textback_gate")
    op.execute("revoke insert on operator_events from textback_gate, textback_web")
    op.execute(
        "alter table notifications drop column if exists delivered_at,"
        " drop column if exists resends, drop column if exists looks,"
        " drop column if exists callback_hash, drop column if exists guarded_at,"
        " drop column if exists holder"
    )
