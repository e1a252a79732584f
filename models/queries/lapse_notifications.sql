-- Senders that fell silent between claim and answer. One that had not passed the guard yet never will
-- (the fence rises), so its text goes back in the queue. Of the others nobody knows: the text is looked
-- for at the provider, and the fence stays, for the sender may still say what became of it.
with lapsed as (
    select id from notifications
    where status = 'sending' and lease_until < clock_timestamp()
    order by id
    limit 200
    for update skip locked
)
update notifications
set status = case when guarded_at is null then 'queued' else 'unknown' end,
    fence = case when guarded_at is null then fence + 1 else fence end,
    holder = case when guarded_at is null then null else holder end,
    looks = 0,
    not_before = case
        when guarded_at is null then null
        else clock_timestamp() + make_interval(secs => :first_look_seconds)
    end,
    dispatched_at = null,
    lease_until = null,
    error_code = 'sender_lost',
    updated_at = clock_timestamp()
where id in (select id from lapsed)
returning job_id, status
