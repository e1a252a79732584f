-- Codes whose sender fell silent may have gone out and are not sent again; of those that have expired
-- the number is not kept.
with lapsed as (
    select id from verification_codes
    where (status = 'sending' and lease_until < clock_timestamp())
       or (phone_ciphertext is not null and expires_at < clock_timestamp())
    limit 200
    for update skip locked
)
update verification_codes
set status = case when status = 'sending' then 'unknown' else status end,
    error_code = case when status = 'sending' then 'sender_lost' else error_code end,
    lease_until = null,
    phone_ciphertext = case when expires_at < clock_timestamp() then null else phone_ciphertext end
where id in (select id from lapsed)
  and (status <> 'sending' or lease_until < clock_timestamp())
returning id
