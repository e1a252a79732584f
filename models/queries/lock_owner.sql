-- One claim of a person at a time: what the next statement counts cannot change under it. A count
-- without this lock let 16 jobs through a cap of 2.
select 1 from users
where id = (select owner_id from jobs where id = :id and status = 'queued')
for no key update
