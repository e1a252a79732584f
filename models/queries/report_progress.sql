-- A sign of life with news. No indexed column changes, so the update stays within its page.
update jobs
set progress = greatest(progress, :progress),
    progress_done = :progress_done,
    progress_total = :progress_total,
    progress_unit = :progress_unit,
    stage = :stage,
    eta_seconds = :eta_seconds,
    lease_until = clock_timestamp() + make_interval(secs => :lease_seconds),
    version = version + 1,
    updated_at = clock_timestamp()
where id = :id and fence = :fence and worker = :worker and status = 'running'
returning cancel_requested_at is not null as cancel_requested
