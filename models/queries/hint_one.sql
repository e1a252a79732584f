-- A job in line whose message is held where nobody can take it: it gets another.
update jobs set hinted_at = clock_timestamp()
where id = :id and status = 'queued' and dispatched_at is not null
returning id as job_id, kind, queue
