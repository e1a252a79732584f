-- What came of the slots of each of the last days (UTC), newest day first: how many were due, became
-- jobs or were skipped and why, and how late they were dealt with.
select date_trunc('day', due_at at time zone 'UTC')::date as day,
       count(*) as due,
       count(*) filter (where skipped is null) as ran,
       count(*) filter (where skipped = 'still_running') as still_running,
       count(*) filter (where skipped = 'missed') as missed,
       count(*) filter (where skipped = 'superseded') as superseded,
       count(*) filter (where skipped = 'away') as away,
       count(*) filter (where skipped = 'not_offered') as not_offered,
       coalesce(percentile_disc(0.5) within group (order by late), 0) as late_p50,
       coalesce(percentile_disc(0.99) within group (order by late), 0) as late_p99,
       coalesce(max(late), 0) as late_most
from occurrences
cross join lateral (
    -- A slot that was skipped as missed was not run late.
    select case when skipped is distinct from 'missed'
        then greatest(0, extract(epoch from decided_at - due_at))::float end as late
) as seconds
where decided_at > clock_timestamp() - make_interval(days => :days)
group by day
order by day desc
