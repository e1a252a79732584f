-- Codes nobody sent yet: the message about them was lost, or they are due once more.
with waiting as (
    select id from verification_codes
    where status = 'queued'
      and expires_at > clock_timestamp()
      and (not_before is null or not_before <= clock_timestamp())
      and (dispatched_at is null
           or dispatched_at < clock_timestamp() - make_interval(secs => :patience_seconds))
    order by id
    limit :room
    for update skip locked
)
update verification_codes set dispatched_at = clock_timestamp()
where id in (select id from waiting)
returning id
