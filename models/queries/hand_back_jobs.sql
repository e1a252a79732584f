-- A worker that is asked to stop gives its jobs back at once. The attempt was not the job's fault,
-- so it is not counted; the raised fence refuses whatever the children still write. They keep their
-- turn.
with returned as (
    update jobs
    set status = case when cancel_requested_at is null then 'queued' else 'cancelled' end,
        finished_at = case when cancel_requested_at is null then null else clock_timestamp() end,
        fence = fence + 1,
        attempt = attempt - 1,
        lease_until = null,
        dispatched_at = clock_timestamp(),
        hinted_at = clock_timestamp(),
        stage = null,
        eta_seconds = null,
        progress = case when cancel_requested_at is null then 0 else progress end,
        progress_done = null,
        progress_total = null,
        version = version + 1,
        updated_at = clock_timestamp()
    -- `worker` is the node's main process; the rows name its child behind it.
    where status = 'running'
      and (worker = :worker or starts_with(worker, cast(:worker as text) || '/'))
    returning id, owner_id, kind, queue, status, attempt
), event as (
    insert into job_events (job_id, owner_id, event, attempt, detail)
    select id, owner_id, case status when 'queued' then 'handed_back' else status end, attempt,
           jsonb_build_object('worker', cast(:worker as text))
    from returned
)
select id, owner_id, kind, queue, status from returned
