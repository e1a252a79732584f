"""place by turn

The place in the queue is the order in which jobs are really served: first those in line, as they got
their turn; then those that get their slots, and so on. What somebody waits for goes before what a
schedule asked for.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SIGNATURE = "textback_queue_positions(asked uuid[]) returns table (job_id uuid, place bigint)"
HEAD = "language sql stable security definer set search_path = public, pg_temp"


def upgrade() -> None:
    op.execute(
        f"""
        create or replace function {SIGNATURE} {HEAD}
        as $$
            with wanted as (
                select id, queue from jobs
                where id = any(asked) and status = 'queued'
                  and (not_before is null or not_before <= clock_timestamp())
            ), slot as (
                select owner_id, queue, status, id, dispatched_at,
                       row_number() over (partition by owner_id order by dispatched_at, id) as nth,
                       count(*) over (partition by owner_id) as slots
                from jobs
                where status = 'running' or (status = 'queued' and dispatched_at is not null)
            ), waiting as (
                select id, queue, owner_id,
                       row_number() over (partition by owner_id order by queue, id) - 1 as ahead
                from jobs
                where status = 'queued' and dispatched_at is null
                  and queue in (select queue from wanted)
                  and (not_before is null or not_before <= clock_timestamp())
            ), line as (
                select id, queue, -1 as generation, dispatched_at from slot
                where status = 'queued' and queue in (select queue from wanted)
                union all
                -- A waiting job follows the job whose slot it will get.
                select waiting.id, waiting.queue, waiting.ahead / coalesce(slot.slots, 1),
                       coalesce(slot.dispatched_at, clock_timestamp())
                from waiting
                left join (select distinct owner_id, slots from slot) as person
                    on person.owner_id = waiting.owner_id
                left join slot on slot.owner_id = waiting.owner_id
                    and slot.nth = waiting.ahead % person.slots + 1
            ), placed as (
                select id, row_number() over (
                    partition by queue order by generation, dispatched_at, id
                ) as place
                from line
            )
            select wanted.id, placed.place + case wanted.queue when 'scheduled' then
                (select count(*) from jobs where status = 'queued' and queue = 'interactive') else 0
            end
            from placed join wanted on wanted.id = placed.id
        $$
        """
    )


def downgrade() -> None:
    op.execute(
        f"""
        create or replace function {SIGNATURE} {HEAD}
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
