-- A sender takes a text. Committed before the provider is called, so that a second sender, or this
-- one after a crash, never sends it again.
update notifications
set status = 'sending',
    fence = fence + 1,
    attempts = attempts + 1,
    holder = :holder,
    provider = coalesce(:provider, provider),
    guarded_at = null,
    callback_hash = cast(:callback_hash as bytea),
    lease_until = clock_timestamp() + make_interval(secs => :lease_seconds),
    updated_at = clock_timestamp()
where id = :id
  and status = 'queued'
  and (not_before is null or not_before <= clock_timestamp())
returning id, job_id, owner_id, fence, attempts
