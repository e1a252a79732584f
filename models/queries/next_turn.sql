-- A part of the statements that end a job: the slot that `freed` leaves goes to the next waiting job
-- of its person.
next as (
    update jobs set dispatched_at = clock_timestamp(), hinted_at = clock_timestamp()
    where id = (
        select waiting.id from jobs as waiting
        where waiting.owner_id = (select owner_id from freed)
          and waiting.status = 'queued'
          and waiting.dispatched_at is null
          and waiting.cancel_requested_at is null
          and (waiting.not_before is null or waiting.not_before <= clock_timestamp())
          -- A schedule gets the slot of another; how many more it may have, the sweep counts.
          and (waiting.queue <> 'scheduled' or (select queue from freed) = 'scheduled')
        order by waiting.queue, waiting.id  -- interactive before scheduled
        limit 1
        for update skip locked
    )
    returning id, kind, queue
)
