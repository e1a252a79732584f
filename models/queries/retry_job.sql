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
    where id = :id and fence = :fence and status = 'running'
    returning id, owner_id, queue, attempt, status
), event as (
    insert into job_events (job_id, owner_id, event, attempt, detail)
    select id, owner_id, case status when 'queued' then 'retry' else status end, attempt,
           cast(:detail as jsonb)
    from put_back
), next as (
    update jobs set dispatched_at = clock_timestamp(), hinted_at = clock_timestamp()
    where id = (
        select waiting.id from jobs as waiting
        where waiting.owner_id = (select owner_id from put_back)
          and waiting.status = 'queued'
          and waiting.dispatched_at is null
          and waiting.cancel_requested_at is null
          and (waiting.not_before is null or waiting.not_before <= clock_timestamp())
          -- A schedule gets the slot of another; how many more it may have, the sweep counts.
          and (waiting.queue <> 'scheduled' or (select queue from put_back) = 'scheduled')
        order by waiting.queue, waiting.id  -- interactive before scheduled
        limit 1
        for update skip locked
    )
    returning id, kind, queue
)
select put_back.id,
       put_back.status,
       cast(null as uuid) as notification_id,
       next.id as next_id, next.kind as next_kind, next.queue as next_queue
from put_back left join next on true
