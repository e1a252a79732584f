-- How many messages should be waiting for a queue.
select count(*) from jobs
where status = 'queued' and dispatched_at is not null and queue = :queue
