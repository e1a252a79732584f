-- Where a retry goes on from.
update jobs
set checkpoint = cast(:checkpoint as jsonb), updated_at = clock_timestamp()
where id = :id and fence = :fence and worker = :worker and status = 'running'
returning id
