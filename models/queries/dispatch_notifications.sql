-- Texts nobody sent: never hinted at, or hinted at long enough ago that the message must have been
-- lost. Marking them first spaces the hints out, as for jobs.
with waiting as (
    select id from notifications
    where status = 'queued'
      and (not_before is null or not_before <= clock_timestamp())
      and (dispatched_at is null
           or dispatched_at < clock_timestamp() - make_interval(secs => :patience_seconds))
    order by dispatched_at nulls first, id
    limit :room
    for update skip locked
)
update notifications set dispatched_at = clock_timestamp()
where id in (select id from waiting)
returning id
