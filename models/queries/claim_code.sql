-- A sender takes a code. Committed before the provider is called, so that it goes out once.
update verification_codes
set status = 'sending',
    attempts = attempts + 1,
    lease_until = clock_timestamp() + make_interval(secs => :lease_seconds)
where id = :id
  and status = 'queued'
  and expires_at > clock_timestamp()
  and phone_ciphertext is not null
  and (not_before is null or not_before <= clock_timestamp())
returning id, phone_ciphertext, phone_country, locale, attempts
