-- Back to the queue for the next attempt, not before its time; or the end, if its person asked for
-- that meanwhile. The slot goes to the person's next job.
with put_back as (
    update jobs
    set status = case when cancel_requested_at is null then 'queued' else 'cancelled' end,
        finished_at = case when cancel_requested_at is null then null else clock_timestamp() end,
        not_before = clock_timestamp() + make_interval(secs => :delay_seconds),
        dispatched_at = null,
        hinted_at = null,
        lease_until = null,
        worker = null,
        progress = 0,
        progress_done = null,
        progress_total = null,
        stage = null,
        eta_seconds = null,
        version = version + 1,
        updated_at = clock_timestamp()
    where id = :id and fence = :fence and worker = :worker and status = 'running'
    returning id, owner_id, queue, attempt, status
), event as (
    insert into job_events (job_id, owner_id, event, attempt, detail)
    select id, owner_id, case status when 'queued' then 'retry' else status end, attempt,
           cast(:detail as jsonb)
    from put_back
), freed as (
    select owner_id, queue from put_back
),
\ir next_turn.sql
select put_back.id,
       put_back.status,
       put_back.owner_id,
       cast(null as uuid) as notification_id,
       next.id as next_id, next.kind as next_kind, next.queue as next_queue
from put_back left join next on true
