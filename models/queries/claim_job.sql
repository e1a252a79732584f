-- A worker takes a job, if its person may have one more running; the caller holds the lock on that
-- person. The attempt is counted here, so that a job that kills its worker counts. Time is the
-- database's alone: no two machines agree on theirs.
with asked as (
    select id, owner_id, queue from jobs
    where id = :id
      and status = 'queued'
      and cancel_requested_at is null
      and (not_before is null or not_before <= clock_timestamp())
), running as (
    select count(*) as jobs, count(*) filter (where queue = 'scheduled') as scheduled
    from jobs
    where status = 'running' and owner_id = (select owner_id from asked)
), allowed as (
    select asked.id from asked, running
    where running.jobs < :most_running
      -- What a schedule asked for leaves room for what somebody waits for.
      and (asked.queue <> 'scheduled' or running.scheduled < greatest(1, :most_running - 1))
), claimed as (
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
    where id = (select id from allowed) and status = 'queued' and cancel_requested_at is null
    returning id, owner_id, kind, params, attempt, max_attempts, fence, checkpoint, worker,
              saved_search_id
), turned_away as (
    -- It waits for its turn again; the end of another of its person's jobs gives it.
    update jobs set dispatched_at = null, hinted_at = null
    where id = (select id from asked) and status = 'queued' and not exists (select from allowed)
), event as (
    insert into job_events (job_id, owner_id, event, attempt, detail)
    select id, owner_id, 'claimed', attempt, jsonb_build_object('worker', worker) from claimed
)
select id as job_id, owner_id, kind, params, attempt, max_attempts, fence, worker, checkpoint,
       saved_search_id
from claimed
