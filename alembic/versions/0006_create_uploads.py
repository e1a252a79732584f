"""create uploads

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PERSON = "(select nullif(current_setting('textback.user_id', true), '')::uuid)"


def upgrade() -> None:
    op.execute(
        """
        create table uploads (
            id uuid constraint pk_uploads primary key,
            owner_id uuid not null constraint fk_uploads_owner_id_users
                references users (id) on delete cascade on update cascade,
            media_type text not null,
            size_bytes bigint not null,
            sha256 bytea not null,
            width integer,
            height integer,
            created_at timestamptz not null default now(),
            expires_at timestamptz not null default now() + interval '1 day'
        )
        """
    )
    op.execute("create unique index uq_uploads_id_owner_id on uploads (id, owner_id)")
    op.execute("create index ix_uploads_owner_id on uploads (owner_id)")
    op.execute("create index ix_uploads_expires_at on uploads (expires_at)")
    op.execute(
        """
        create table upload_chunks (
            upload_id uuid not null,
            position integer not null,
            owner_id uuid not null,
            content bytea not null,
            constraint pk_upload_chunks primary key (upload_id, position),
            constraint fk_upload_chunks_upload_id_owner_id_uploads
                foreign key (upload_id, owner_id) references uploads (id, owner_id)
                on delete cascade on update cascade
        )
        """
    )
    # Pictures and PDFs are compressed already; trying again costs time and gains nothing.
    op.execute("alter table upload_chunks alter column content set storage external")
    own = f"owner_id = {PERSON}"
    for table in ("uploads", "upload_chunks"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"grant select, insert, update, delete on {table} to textback_web")
        op.execute(f"grant select, insert, update, delete on {table} to textback_operator")
        op.execute(f"grant select on {table} to textback_worker")
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
            f"create policy worker_select on {table} for select to textback_worker using (true)"
        )
        op.execute(
            f"create policy operator_all on {table} for all to textback_operator"
            " using (true) with check (true)"
        )


def downgrade() -> None:
    op.execute("drop table upload_chunks")
    op.execute("drop table uploads")
