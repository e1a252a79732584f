-- The last look before the provider is called, on the session that holds the sender's lock: who passes
-- is still the one that may send. Whoever is late touches no row and sends nothing.
update notifications
set guarded_at = clock_timestamp()
where id = :id and fence = :fence and status = 'sending'
  and guarded_at is null and lease_until > clock_timestamp()
returning id
