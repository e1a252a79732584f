"""create queue position

A person may know how many jobs are ahead, though not whose. The function runs as the operator's
role, whose policies show all rows, and returns a number alone.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create function textback_jobs_ahead(queue_name text, job uuid) returns bigint
        language sql stable security definer set search_path = public, pg_temp
        as $$
            select count(*) from jobs
            where status = 'queued' and queue = queue_name and id < job
        $$
        """
    )
    op.execute("grant create on schema public to textback_operator")
    op.execute("alter function textback_jobs_ahead(text, uuid) owner to textback_operator")
    op.execute("revoke create on schema public from textback_operator")
    op.execute("revoke all on function textback_jobs_ahead(text, uuid) from public")
    op.execute(
        "grant execute on function textback_jobs_ahead(text, uuid)"
        " to textback_web, textback_worker, textback_operator"
    )


def downgrade() -> None:
    op.execute("drop function textback_jobs_ahead(text, uuid)")
