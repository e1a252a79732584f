-- Jobs that waited longer than their answer would have been kept.
with overdue as (
    select id from jobs
    where expires_at < clock_timestamp() and pruned_at is null and status = 'queued'
    order by expires_at
    limit :most
    for update skip locked
), ended as (
    update jobs
    set status = case when cancel_requested_at is null then 'failed' else 'cancelled' end,
        error_code = case when cancel_requested_at is null then 'waited_too_long' end,
        error_message = case when cancel_requested_at is null then cast(:message as text) end,
        finished_at = clock_timestamp(),
        version = version + 1,
        updated_at = clock_timestamp()
    where id in (select id from overdue)
    returning id, owner_id, status, attempt
), event as (
    insert into job_events (job_id, owner_id, event, attempt, detail)
    select id, owner_id, status, attempt, jsonb_build_object('code', 'waited_too_long') from ended
)
select id, owner_id from ended
