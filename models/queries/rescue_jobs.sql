-- Jobs whose worker fell silent: back to the queue, failed when no attempt is left, cancelled when
-- their person asked for it. Rows that a frozen process still holds are passed over (skip locked)
-- and met again at the next sweep.
with lapsed as (
    select id,
           case
               when cancel_requested_at is not null then 'cancelled'
               when attempt >= max_attempts then 'failed'
               else 'queued'
           end as next_status
    from jobs
    where status = 'running' and lease_until < clock_timestamp()
    order by id
    limit 200
    for update skip locked
), rescued as (
    update jobs
    set status = next_status,
        fence = fence + 1,
        lease_until = null,
        dispatched_at = null,
        hinted_at = null,
        stage = null,
        eta_seconds = null,
        progress = case next_status when 'queued' then 0 else progress end,
        progress_done = null,
        progress_total = null,
        error_code = case next_status when 'failed' then 'worker_lost' end,
        error_message = case next_status when 'failed' then :message end,
        finished_at = case next_status when 'queued' then null else clock_timestamp() end,
        version = version + 1,
        updated_at = clock_timestamp()
    from lapsed
    where jobs.id = lapsed.id
    returning jobs.id, owner_id, status, attempt, notify, worker
), event as (
    insert into job_events (job_id, owner_id, event, attempt, detail)
    select id, owner_id, case status when 'queued' then 'rescued' else status end, attempt,
           jsonb_build_object('code', 'worker_lost', 'worker', worker)
    from rescued
), notification as (
    insert into notifications (id, job_id, owner_id, purpose)
    select gen_random_uuid(), id, owner_id, 'job_ended' from rescued
    where status = 'failed' and notify = 'sms'
    on conflict (job_id, purpose) do nothing
)
select id, owner_id, status from rescued
