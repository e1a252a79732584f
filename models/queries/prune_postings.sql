-- Postings no search has come upon for sixty days. Sample data stays.
delete from postings
where id in (
    select id from postings
    where last_seen_at < clock_timestamp() - interval '60 days' and age_hours is null
    order by last_seen_at
    limit :most
    for update skip locked
)
returning id
