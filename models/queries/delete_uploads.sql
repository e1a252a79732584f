-- The inputs of a job that is deleted, unless another job of the same person is about them too.
delete from uploads
where owner_id = :account_id
  and strpos((select params::text from jobs where id = :job_id), uploads.id::text) > 0
  and not exists (
      select from jobs
      where owner_id = :account_id and id <> :job_id and strpos(params::text, uploads.id::text) > 0
  )
