-- How many saved searches are due: over how long their jobs are spread depends on it.
select count(*) from saved_searches
where paused_at is null and next_slot_at <= clock_timestamp()
  and (cast(:only as uuid) is null or id = cast(:only as uuid))
