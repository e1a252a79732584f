-- Its person wants a job stopped. One that nobody works on ends here and now, also one whose worker
-- fell silent; a running one is asked to stop. No worker and no broker is needed for either.
-- One moment decides for the whole row: with a clock that goes on, a lease that lapsed in between
-- would leave a job running without a lease, which nobody rescues.
with asked as (
    update jobs
    set cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp()),
        status = case
            when status = 'queued' or lease_until < statement_timestamp() then 'cancelled' else status
        end,
        finished_at = case
            when status = 'queued' or lease_until < statement_timestamp() then clock_timestamp()
        end,
        fence = fence + case
            when status = 'queued' or lease_until < statement_timestamp() then 1 else 0
        end,
        checkpoint = case
            when status = 'queued' or lease_until < statement_timestamp() then null else checkpoint
        end,
        lease_until = case
            when not (status = 'queued' or lease_until < statement_timestamp()) then lease_until
        end,
        stage = case
            when not (status = 'queued' or lease_until < statement_timestamp()) then stage
        end,
        eta_seconds = case
            when not (status = 'queued' or lease_until < statement_timestamp()) then eta_seconds
        end,
        version = version + 1,
        updated_at = clock_timestamp()
    where id = :id
      and status in ('queued', 'running')
      and (
          lease_until < statement_timestamp()
          or (not :only_lapsed and (status = 'queued' or cancel_requested_at is null))
      )
      and (not :only_lapsed or cancel_requested_at is not null)
    returning id, owner_id, queue, status, attempt, dispatched_at
), event as (
    insert into job_events (job_id, owner_id, event, attempt)
    select id, owner_id, case status when 'cancelled' then status else 'cancel_requested' end,
           attempt
    from asked
), next as (
    update jobs set dispatched_at = clock_timestamp(), hinted_at = clock_timestamp()
    where id = (
        select waiting.id from jobs as waiting
        where waiting.owner_id = (
            -- Only one that had its turn leaves a slot.
            select owner_id from asked where status = 'cancelled' and dispatched_at is not null
        )
          and waiting.id <> :id
          and waiting.status = 'queued'
          and waiting.dispatched_at is null
          and waiting.cancel_requested_at is null
          and (waiting.not_before is null or waiting.not_before <= clock_timestamp())
          -- A schedule gets the slot of another; how many more it may have, the sweep counts.
          and (waiting.queue <> 'scheduled' or (select queue from asked) = 'scheduled')
        order by waiting.queue, waiting.id  -- interactive before scheduled
        limit 1
        for update skip locked
    )
    returning id, kind, queue
)
select asked.id,
       asked.status,
       cast(null as uuid) as notification_id,
       next.id as next_id, next.kind as next_kind, next.queue as next_queue
from asked left join next on true
