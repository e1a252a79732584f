-- What came of a batch of slots, all of it or nothing: their rows, the jobs of those that run with
-- event and link, and when each search is due again. A slot that has its row already makes no job.
with planned as (
    update saved_searches
    set planned_until = given.planned_until, next_slot_at = given.next_slot_at
    from unnest(
        cast(:search_ids as uuid[]),
        cast(:planned_until as timestamptz[]),
        cast(:next_slot_at as timestamptz[])
    ) as given (id, planned_until, next_slot_at)
    where saved_searches.id = given.id
), slot as (
    insert into occurrences
        (saved_search_id, owner_id, slot_local, cron_line, due_at, job_id, skipped)
    select saved_searches.id, saved_searches.owner_id, given.slot_local, given.cron_line,
           given.due_at, given.job_id, given.skipped
    from unnest(
        cast(:slot_search_ids as uuid[]),
        cast(:slot_locals as timestamp[]),
        cast(:slot_cron_lines as text[]),
        cast(:slot_due_at as timestamptz[]),
        cast(:slot_job_ids as uuid[]),
        cast(:slot_skipped as text[])
    ) with ordinality as given (search_id, slot_local, cron_line, due_at, job_id, skipped, place)
    join saved_searches on saved_searches.id = given.search_id
    order by given.place
    on conflict do nothing
    returning job_id
), made as (
    insert into jobs
        (id, owner_id, kind, queue, source, params, locale, notify, question_hash, max_attempts,
         not_before, expires_at, saved_search_id)
    select given.id, saved_searches.owner_id, saved_searches.kind, 'scheduled', 'schedule',
           saved_searches.params, saved_searches.locale, given.notify,
           saved_searches.question_hash, given.max_attempts, given.not_before,
           given.not_before + make_interval(days => given.days), saved_searches.id
    from unnest(
        cast(:job_ids as uuid[]),
        cast(:job_search_ids as uuid[]),
        cast(:job_notify as text[]),
        cast(:job_max_attempts as smallint[]),
        cast(:job_days as integer[]),
        cast(:job_not_before as timestamptz[])
    ) as given (id, search_id, notify, max_attempts, days, not_before)
    join slot on slot.job_id = given.id
    join saved_searches on saved_searches.id = given.search_id
    returning id, owner_id, saved_search_id, expires_at
), event as (
    insert into job_events (job_id, owner_id, event)
    select id, owner_id, 'enqueued' from made
), link as (
    insert into result_links (id, job_id, owner_id, purpose, token_hash, expires_at)
    select given.id, made.id, made.owner_id, 'text', given.token_hash, made.expires_at
    from unnest(
        cast(:link_ids as uuid[]), cast(:link_job_ids as uuid[]), cast(:link_hashes as bytea[])
    ) as given (id, job_id, token_hash)
    join made on made.id = given.job_id
), needed as (
    select uploads.id, made.expires_at
    from made
    join saved_searches on saved_searches.id = made.saved_search_id
    join uploads on uploads.id = any(saved_searches.upload_ids)
        and uploads.owner_id = made.owner_id
    -- In the order in which everybody locks them.
    order by uploads.id
    for no key update of uploads
), kept as (
    update uploads set expires_at = greatest(uploads.expires_at, needed.until)
    from (select id, max(expires_at) as until from needed group by id) as needed
    where uploads.id = needed.id
)
select id, owner_id, saved_search_id from made
