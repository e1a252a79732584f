-- Input files past their time: a day after they came when no job took them, else with the job's
-- answer, and never while a saved search needs them. Their chunks go with them.
with expired as (
    select id from uploads
    where expires_at < clock_timestamp()
      and not exists (
          select from saved_searches where upload_ids @> array[uploads.id]
      )
    order by expires_at
    limit :most
    for update skip locked
)
delete from uploads where id in (select id from expired)
returning id
