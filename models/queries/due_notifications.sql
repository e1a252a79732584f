-- Texts that should have been taken by now: their hint was lost.
select id from notifications
where status = 'queued'
  and (not_before is null or not_before <= clock_timestamp())
  and created_at < clock_timestamp() - make_interval(secs => :patience_seconds)
order by id
limit 200
