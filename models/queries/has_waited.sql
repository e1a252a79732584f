-- Whether a job in line has been waiting for a worker for so long.
select exists (
    select from jobs
    where status = 'queued'
      and queue = :queue
      and dispatched_at < clock_timestamp() - make_interval(secs => :seconds)
      and cancel_requested_at is null
)
