-- Whether an attempt still has its job, and whether its person wants it stopped. A read alone.
select cancel_requested_at is not null as cancel_requested
from jobs
where id = :id and fence = :fence and worker = :worker and status = 'running'
