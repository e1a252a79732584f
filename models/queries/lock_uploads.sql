-- The inputs of a job that is about to be deleted: whoever takes one for another job comes before or
-- after that, and is seen by the statement that decides.
select id from uploads
where owner_id = :account_id
  and strpos((select params::text from jobs where id = :job_id), uploads.id::text) > 0
order by id
for update
