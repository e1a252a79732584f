-- A worker's main process says that its child has died in this job, or was stopped at the hard time
-- limit: what a lapsed lease would lead to, only sooner. `worker` names that one child, so that no
-- other attempt is touched. A job that goes back keeps its turn; else the next of its person gets it.
with lost as (
    update jobs
    set status = case
            when cancel_requested_at is not null then 'cancelled'
            when :final or attempt >= max_attempts then 'failed'
            else 'queued'
        end,
        fence = fence + 1,
        lease_until = null,
        dispatched_at = clock_timestamp(),
        hinted_at = clock_timestamp(),
        stage = null,
        eta_seconds = null,
        progress = case
            when cancel_requested_at is null and not :final and attempt < max_attempts then 0
            else progress
        end,
        progress_done = null,
        progress_total = null,
        error_code = case
            when cancel_requested_at is null and (:final or attempt >= max_attempts)
            then cast(:code as text)
        end,
        error_message = case
            when cancel_requested_at is null and (:final or attempt >= max_attempts)
            then cast(:message as text)
        end,
        finished_at = case
            when cancel_requested_at is null and not :final and attempt < max_attempts then null
            else clock_timestamp()
        end,
        version = version + 1,
        updated_at = clock_timestamp()
    where id = :id and worker = :worker and status = 'running'
    returning id, owner_id, kind, queue, status, attempt, notify, worker
), event as (
    insert into job_events (job_id, owner_id, event, attempt, detail)
    select id, owner_id, case status when 'queued' then 'rescued' else status end, attempt,
           jsonb_build_object('code', cast(:code as text), 'worker', worker)
    from lost
), notification as (
    insert into notifications (id, job_id, owner_id, purpose, dispatched_at)
    select gen_random_uuid(), id, owner_id, 'job_ended', clock_timestamp() from lost
    where status = 'failed' and notify = 'sms'
    on conflict (job_id, purpose) do nothing
    returning id
), freed as (
    select owner_id, queue from lost where status <> 'queued'
),
\ir next_turn.sql
select lost.id,
       lost.status,
       lost.owner_id,
       (select id from notification) as notification_id,
       case lost.status when 'queued' then lost.id else next.id end as next_id,
       case lost.status when 'queued' then lost.kind else next.kind end as next_kind,
       case lost.status when 'queued' then lost.queue else next.queue end as next_queue
from lost left join next on true
