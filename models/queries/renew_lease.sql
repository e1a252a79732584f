-- A sign of life without news.
update jobs
set lease_until = clock_timestamp() + make_interval(secs => :lease_seconds)
where id = :id and fence = :fence and worker = :worker and status = 'running'
returning cancel_requested_at is not null as cancel_requested
