-- The person of a job, as its claim locks them: two of their runs that end at once see each other.
select 1 from users
where id = (select owner_id from jobs where jobs.id = :id)
for no key update
