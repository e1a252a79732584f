-- How many jobs of a person have not ended. Each part has an index of its own, so that it costs the
-- same for somebody with ten thousand that have.
select (select count(*) from jobs where owner_id = :owner_id and status = 'running')
     + (select count(*) from jobs
        where owner_id = :owner_id and status = 'queued' and dispatched_at is not null)
     + (select count(*) from jobs
        where owner_id = :owner_id and status = 'queued' and dispatched_at is null)
