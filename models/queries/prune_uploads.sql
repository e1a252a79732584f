-- Input files past their time: a day after they came when no job took them, else with the job's
-- answer. Their chunks go with them.
with expired as (
    select id from uploads
    where expires_at < clock_timestamp()
    order by expires_at
    limit :most
    for update skip locked
)
delete from uploads where id in (select id from expired)
returning id
