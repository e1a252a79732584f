-- What operators were told is kept for ninety days.
with old as (
    select id from operator_events
    where at < clock_timestamp() - interval '90 days'
    order by at
    limit :most
    for update skip locked
)
delete from operator_events where id in (select id from old)
returning id
