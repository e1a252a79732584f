-- The inputs of a job that is deleted, unless another job of the same person is about them too.
delete from uploads
where
\ir uploads_of_job.sql
and not exists (
    select from jobs
    where owner_id = :account_id and id <> :job_id and strpos(params::text, uploads.id::text) > 0
)
and not exists (select from saved_searches where upload_ids @> array[uploads.id])
