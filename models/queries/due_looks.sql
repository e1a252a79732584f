-- Texts of unknown fate that are due to be looked for, each hinted at once in a while.
with due as (
    select id from notifications
    where status = 'unknown' and not_before <= clock_timestamp()
      and (dispatched_at is null
           or dispatched_at < clock_timestamp() - make_interval(secs => :patience_seconds))
    order by not_before
    limit :room
    for update skip locked
)
update notifications set dispatched_at = clock_timestamp()
where id in (select id from due)
returning id
