-- Back to the queue for the next attempt, not before its time.
with requeued as (
    update jobs
    set status = 'queued',
        not_before = clock_timestamp() + make_interval(secs => :delay_seconds),
        dispatched_at = null,
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
    returning id, owner_id, attempt
), event as (
    insert into job_events (job_id, owner_id, event, attempt, detail)
    select id, owner_id, 'retry', attempt, cast(:detail as jsonb) from requeued
)
select id from requeued
