-- Claimable jobs nobody took: never hinted at, or hinted at long enough ago that the message must
-- have been lost. Marking them first spaces the hints out.
with waiting as (
    select id from jobs
    where status = 'queued'
      and queue = :queue
      and cancel_requested_at is null
      and (not_before is null or not_before <= clock_timestamp())
      and (dispatched_at is null
           or dispatched_at < clock_timestamp() - make_interval(secs => :patience_seconds))
    order by id
    limit :room
    for update skip locked
)
update jobs set dispatched_at = clock_timestamp()
where id in (select id from waiting)
returning id, kind, queue
