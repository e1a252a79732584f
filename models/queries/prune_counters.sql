-- Counters of days that are over.
delete from daily_counters
where (day, scope, key) in (
    select day, scope, key from daily_counters
    where day < (clock_timestamp() at time zone 'UTC')::date - 7
    limit :most
    for update skip locked
)
returning day
