-- What came of slots a quarter of a year ago.
with old as (
    select id from occurrences
    where decided_at < clock_timestamp() - interval '92 days'
      and (job_id is null or settled_at is not null)
    order by decided_at
    limit :most
    for update skip locked
)
delete from occurrences where id in (select id from old)
returning id
