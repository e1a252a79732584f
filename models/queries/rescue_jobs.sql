-- Jobs whose worker fell silent: back to the queue, or failed when no attempt is left. Rows that a
-- frozen process still holds are passed over (skip locked) and met again at the next sweep.
with lapsed as (
    select id from jobs
    where status = 'running' and lease_until < clock_timestamp()
    order by id
    limit 200
    for update skip locked
), rescued as (
    update jobs
    set status = case when attempt >= max_attempts then 'failed' else 'queued' end,
        fence = fence + 1,
        lease_until = null,
        dispatched_at = null,
        stage = null,
        eta_seconds = null,
        progress = case when attempt >= max_attempts then progress else 0 end,
        progress_done = null,
        progress_total = null,
        error_code = case when attempt >= max_attempts then 'worker_lost' end,
        error_message = case when attempt >= max_attempts then :message end,
        finished_at = case when attempt >= max_attempts then clock_timestamp() end,
        version = version + 1,
        updated_at = clock_timestamp()
    where id in (select id from lapsed)
    returning id, owner_id, status, attempt, notify, worker
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
select id, status from rescued
