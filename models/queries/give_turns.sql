-- Waiting jobs whose person has a slot free get their place in line: everybody's first, then
-- everybody's second. Persons are found one by one along the index, so a person's thousand jobs
-- cost no more than their first few.
with recursive waiting_owner (id) as (
    (
        select owner_id from jobs
        where status = 'queued' and dispatched_at is null and queue = :queue
        order by owner_id limit 1
    )
    union all
    select (
        select owner_id from jobs
        where status = 'queued' and dispatched_at is null and queue = :queue
          and owner_id > waiting_owner.id
        order by owner_id limit 1
    )
    from waiting_owner
    where waiting_owner.id is not null
), taken as (
    select owner_id, count(*) as slots, count(*) filter (where queue = 'scheduled') as scheduled
    from (
        select owner_id, queue from jobs where status = 'running'
        union all
        select owner_id, queue from jobs where status = 'queued' and dispatched_at is not null
    ) as slot
    group by owner_id
), room as (
    select waiting_owner.id as owner_id,
           case :queue
               when 'scheduled' then least(
                   :most_running - coalesce(slots, 0),
                   greatest(1, :most_running - 1) - coalesce(scheduled, 0)
               )
               else :most_running - coalesce(slots, 0)
           end as slots
    from waiting_owner left join taken on taken.owner_id = waiting_owner.id
    where waiting_owner.id is not null
), turn as (
    select next.id, row_number() over (order by next.nth, next.id) as place
    from room
    cross join lateral (
        select id, row_number() over (order by id) as nth
        from jobs
        where status = 'queued' and dispatched_at is null
          and owner_id = room.owner_id and queue = :queue
          and cancel_requested_at is null
          and (not_before is null or not_before <= clock_timestamp())
        order by id
        limit greatest(0, room.slots)
    ) as next
    order by place
    limit :most
), free as (
    select jobs.id, turn.place
    from jobs join turn on turn.id = jobs.id
    where jobs.status = 'queued' and jobs.dispatched_at is null
    for update of jobs skip locked
)
update jobs
-- Apart from each other, so that the line has an order.
set dispatched_at = clock_timestamp() + free.place * interval '1 microsecond',
    hinted_at = clock_timestamp()
from free
where jobs.id = free.id
returning jobs.id as job_id, jobs.kind, jobs.queue
