-- Jobs in line nobody took, though a hint went out long enough ago that the message must have been
-- lost. Marking them first spaces the hints out; their place in line stays.
with lost as (
    select id from jobs
    where status = 'queued'
      and queue = :queue
      and dispatched_at is not null
      and coalesce(hinted_at, dispatched_at)
          < clock_timestamp() - make_interval(secs => :patience_seconds)
    order by dispatched_at, id
    limit :most
    for update skip locked
)
update jobs set hinted_at = clock_timestamp()
where id in (select id from lost)
returning id as job_id, kind, queue
