-- Senders that fell silent between claim and answer: whether the text went out cannot be known, so
-- it is held for a person to look at, never sent again blindly.
with lapsed as (
    select id from notifications
    where status = 'sending' and lease_until < clock_timestamp()
    order by id
    limit 200
    for update skip locked
)
update notifications
set status = 'needs_review', fence = fence + 1, lease_until = null,
    error_code = 'sender_lost', updated_at = clock_timestamp()
where id in (select id from lapsed)
returning job_id
