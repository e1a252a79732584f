-- A worker takes a job. The attempt is counted here, so that a job that kills its worker counts.
-- Time is the database's alone: no two machines agree on theirs.
with claimed as (
    update jobs
    set status = 'running',
        fence = fence + 1,
        attempt = attempt + 1,
        worker = :worker,
        lease_until = clock_timestamp() + make_interval(secs => :lease_seconds),
        started_at = coalesce(started_at, clock_timestamp()),
        not_before = null,
        version = version + 1,
        updated_at = clock_timestamp()
    where id = :id
      and status = 'queued'
      and cancel_requested_at is null
      and (not_before is null or not_before <= clock_timestamp())
    returning id, owner_id, kind, params, attempt, max_attempts, fence, checkpoint, worker
), event as (
    insert into job_events (job_id, owner_id, event, attempt, detail)
    select id, owner_id, 'claimed', attempt, jsonb_build_object('worker', worker) from claimed
)
select id as job_id, owner_id, kind, params, attempt, max_attempts, fence, checkpoint
from claimed
