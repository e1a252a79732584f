-- Codes of yesterday; nobody needs to know any more that they were asked for.
delete from verification_codes
where id in (
    select id from verification_codes
    where created_at < clock_timestamp() - interval '1 day'
    order by created_at
    limit :most
    for update skip locked
)
returning id
