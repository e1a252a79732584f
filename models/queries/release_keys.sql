-- Idempotency keys are kept for a week; after that the same key is a new request.
with old as (
    select id from jobs
    where idempotency_key is not null and created_at < clock_timestamp() - interval '7 days'
    order by created_at
    limit :most
    for update skip locked
)
update jobs set idempotency_key = null, request_hash = null
where id in (select id from old)
returning id
