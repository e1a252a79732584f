-- The answer so far, which stays if the job is stopped; a success replaces it.
update jobs
set result = cast(:result as jsonb),
    result_count = :result_count,
    partial = true,
    version = version + 1,
    updated_at = clock_timestamp()
where id = :id and fence = :fence and worker = :worker and status = 'running'
returning id
