-- What operators were told is kept for ninety days. Nobody may change these rows, not even to lock
-- them; two prunes at once delete each of them once.
delete from operator_events
where id in (
    select id from operator_events
    where at < clock_timestamp() - interval '90 days'
    order by at
    limit :most
)
returning id
