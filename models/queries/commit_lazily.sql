-- This transaction is answered before it is on the disk. All see what it did at once; it is lost only if
-- Postgres itself dies within the next half second.
select set_config('synchronous_commit', :synchronous_commit, true)
