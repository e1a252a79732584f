-- What came of looking for a text: it is there; or it is not, which counts once for each look; or a
-- person has to decide. Whatever happened to the row meanwhile (a callback, another look) wins.
update notifications
set status = :status,
    looks = looks + cast(:absent as integer),
    resends = resends + cast(:resend as integer),
    provider_sid = coalesce(:provider_sid, provider_sid),
    segments = coalesce(:segments, segments),
    holder = case when :status = 'unknown' then holder end,
    not_before = case
        when :status = 'unknown'
        then clock_timestamp() + make_interval(secs => :next_look_seconds)
    end,
    sent_at = case when :status = 'sent' then clock_timestamp() else sent_at end,
    error_code = case when :status = 'sent' then null else error_code end,
    dispatched_at = null,
    updated_at = clock_timestamp()
where id = :id and fence = :fence and status = 'unknown' and looks = :looks
returning id
