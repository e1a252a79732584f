-- The end of a job, its event and the row of its text message: all or nothing.
with ended as (
    update jobs
    set status = :status,
        progress = case when :status = 'succeeded' then 100 else progress end,
        -- The last steps may have come after the last report.
        progress_done = case
            when :status = 'succeeded' and not :partial then progress_total else progress_done
        end,
        result = cast(:result as jsonb),
        result_count = :result_count,
        partial = :partial,
        error_code = :error_code,
        error_message = :error_message,
        checkpoint = null,
        lease_until = null,
        eta_seconds = null,
        stage = null,
        finished_at = clock_timestamp(),
        version = version + 1,
        updated_at = clock_timestamp()
    where id = :id and fence = :fence and status = 'running'
    returning id, owner_id, attempt, notify, status, error_code, worker
), event as (
    insert into job_events (job_id, owner_id, event, attempt, detail)
    select id, owner_id, status, attempt,
           jsonb_strip_nulls(jsonb_build_object('code', error_code, 'worker', worker))
    from ended
), notification as (
    -- The first hint goes out with the commit; the sweep waits before it sends another.
    insert into notifications (id, job_id, owner_id, purpose, dispatched_at)
    select gen_random_uuid(), id, owner_id, 'job_ended', clock_timestamp()
    from ended
    where notify = 'sms' and status <> 'cancelled'
    on conflict (job_id, purpose) do nothing
    returning id
)
select ended.id, (select id from notification) as notification_id from ended
