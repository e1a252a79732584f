-- This transaction is answered before it is on the disk. All see what it did at once; it is lost only if
-- Postgres itself dies within the next moment (three times wal_writer_delay, 0.6 s unless set). The
-- value comes as a parameter because only statements with one are prepared.
select set_config('synchronous_commit', :synchronous_commit, true)
