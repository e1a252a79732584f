-- A search that the database refuses to deal with is tried again later, its slots with it.
update saved_searches
set next_slot_at = clock_timestamp() + make_interval(secs => :seconds)
where id = :id
