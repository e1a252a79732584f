"""create queue position

A person may know how many jobs are ahead, though not whose. The function runs as the operator's
role, whose policies show all rows, and returns numbers alone. It goes through a queue once, however
many of its jobs are asked for.

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
        create function textback_queue_positions(asked uuid[])
        returns table (job_id uuid, place bigint)
        language sql stable security definer set search_path = public, pg_temp
        as $$
            with wanted as (
                select id, queue from jobs where id = any(asked) and status = 'queued'
            ), placed as (
                select jobs.id, row_number() over (partition by jobs.queue order by jobs.id) as place
                from jobs
                join (select queue, array_agg(id) as ids from wanted group by queue) of_queue
                    on of_queue.queue = jobs.queue
                where jobs.status = 'queued'
                  and jobs.id <= (select id from unnest(of_queue.ids) as id order by id desc limit 1)
            )
            select placed.id, placed.place from placed join wanted on wanted.id = placed.id
        $$
        """
    )
    op.execute("grant create on schema public to textback_operator")
    op.execute("alter function textback_queue_positions(uuid[]) owner to textback_operator")
    op.execute("revoke create on schema public from textback_operator")
    op.execute("revoke all on function textback_queue_positions(uuid[]) from public")
    op.execute(
        "grant execute on function textback_queue_positions(uuid[])"
        " to textback_web, textback_gate"
    )


def downgrade() -> None:
    op.execute("drop function textback_queue_positions(uuid[])")
