-- Its person wants a job stopped. One that nobody works on ends here and now, also one whose worker
-- fell silent; a running one is asked to stop. No worker and no broker is needed for either.
with found as (
    -- Judged once for the whole row: a lease may lapse while this runs.
    select id, status = 'queued' or lease_until < clock_timestamp() as is_idle
    from jobs
    where id = :id
      and status in ('queued', 'running')
      and (cancel_requested_at is not null or not :only_lapsed)
    for update
), asked as (
    update jobs
    set cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp()),
        status = case when is_idle then 'cancelled' else status end,
        finished_at = case when is_idle then clock_timestamp() end,
        fence = fence + case when is_idle then 1 else 0 end,
        checkpoint = case when is_idle then null else checkpoint end,
        lease_until = case when is_idle then null else lease_until end,
        stage = case when is_idle then null else stage end,
        eta_seconds = case when is_idle then null else eta_seconds end,
        version = version + 1,
        updated_at = clock_timestamp()
    from found
    where jobs.id = found.id and (is_idle or cancel_requested_at is null)
    returning jobs.id, owner_id, queue, status, attempt, dispatched_at
), event as (
    insert into job_events (job_id, owner_id, event, attempt)
    select id, owner_id, case status when 'cancelled' then status else 'cancel_requested' end,
           attempt
    from asked
), freed as (
    -- Only one that had its turn leaves a slot.
    select owner_id, queue from asked where status = 'cancelled' and dispatched_at is not null
),
\ir next_turn.sql
select asked.id,
       asked.status,
       asked.owner_id,
       cast(null as uuid) as notification_id,
       next.id as next_id, next.kind as next_kind, next.queue as next_queue
from asked left join next on true
