-- The inputs of a job that is about to be deleted: whoever takes one for another job comes before or
-- after that, and is seen by the statement that decides.
select id from uploads
where
\ir uploads_of_job.sql
order by id
for update
