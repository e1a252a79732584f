-- The end of a job, its event, the row of its text message and the turn of its person's next job:
-- all or nothing.
with ended as (
    update jobs
    set status = :status,
        progress = case
            when :status = 'succeeded' then 100 else greatest(progress, cast(:progress as smallint))
        end,
        -- The last steps may have come after the last report.
        progress_done = case
            when :status = 'succeeded' and not :partial
            then coalesce(:progress_total, progress_total)
            else coalesce(:progress_done, progress_done)
        end,
        progress_total = coalesce(:progress_total, progress_total),
        progress_unit = coalesce(:progress_unit, progress_unit),
        -- What was found before a stop stays, and says that it is a part.
        result = case
            when :status = 'succeeded' then cast(:result as jsonb)
            else coalesce(cast(:result as jsonb), result)
        end,
        result_count = case
            when :status = 'succeeded' or :result is not null then :result_count else result_count
        end,
        partial = case
            when :status = 'succeeded' then :partial else :result is not null or partial
        end,
        error_code = :error_code,
        error_message = :error_message,
        checkpoint = null,
        lease_until = null,
        eta_seconds = null,
        stage = null,
        finished_at = clock_timestamp(),
        version = version + 1,
        updated_at = clock_timestamp()
    where id = :id and fence = :fence and worker = :worker and status = 'running'
    returning id, owner_id, queue, attempt, notify, status, error_code, worker, new_count
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
       -- A schedule may want to be heard of only when it has something to tell.
       or notify = 'new' and status = 'succeeded' and new_count > 0
    on conflict (job_id, purpose) do nothing
    returning id
), freed as (
    select owner_id, queue from ended
),
\ir next_turn.sql
select ended.id,
       ended.status,
       ended.owner_id,
       (select id from notification) as notification_id,
       next.id as next_id, next.kind as next_kind, next.queue as next_queue
from ended left join next on true
