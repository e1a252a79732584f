-- What became of the jobs of slots, counted into the failures in a row of their searches. After so many
-- a search rests, and its person is texted about it once, unless the job's own text says that already.
with ended as (
    select occurrences.id, occurrences.saved_search_id, jobs.id as job_id, jobs.owner_id,
           jobs.status, jobs.notify
    from occurrences
    join jobs on jobs.id = occurrences.job_id
    join saved_searches on saved_searches.id = occurrences.saved_search_id
    where occurrences.settled_at is null
      and jobs.status in ('succeeded', 'failed', 'cancelled')
    order by occurrences.id
    limit :most
    for update of occurrences skip locked
    for no key update of saved_searches skip locked
    for key share of jobs skip locked
), settled as (
    update occurrences set settled_at = clock_timestamp() where id in (select id from ended)
), counted as (
    select saved_search_id,
           max(id) filter (where status = 'succeeded') as succeeded_id,
           max(id) filter (where status = 'failed') as failed_id
    from ended
    where status <> 'cancelled'
    group by saved_search_id
), tally as (
    select counted.saved_search_id, counted.failed_id, counted.succeeded_id is not null as succeeded,
           count(*) filter (
               where ended.status = 'failed'
                 and (counted.succeeded_id is null or ended.id > counted.succeeded_id)
           ) as failures
    from counted
    join ended on ended.saved_search_id = counted.saved_search_id
    group by counted.saved_search_id, counted.failed_id, counted.succeeded_id
), updated as (
    -- Of the row as it is now, which another settler may have changed since this statement began.
    update saved_searches
    set failures_in_a_row = tally.failures
            + case when tally.succeeded then 0 else saved_searches.failures_in_a_row end,
        paused_at = case
            when tally.failures
                + case when tally.succeeded then 0 else saved_searches.failures_in_a_row end
                >= :most_failures
            then clock_timestamp()
        end,
        pause_reason = case
            when tally.failures
                + case when tally.succeeded then 0 else saved_searches.failures_in_a_row end
                >= :most_failures
            then 'failures'
        end
    from tally
    where saved_searches.id = tally.saved_search_id and saved_searches.paused_at is null
    returning saved_searches.id, saved_searches.owner_id, saved_searches.pause_reason,
              tally.failed_id
), told as (
    insert into notifications (id, job_id, owner_id, purpose)
    select gen_random_uuid(), ended.job_id, ended.owner_id, 'search_paused'
    from updated join ended on ended.id = updated.failed_id
    where updated.pause_reason is not null and ended.notify <> 'none'
      and not exists (select from notifications where notifications.job_id = ended.job_id)
    on conflict do nothing
    returning id
)
select (select count(*) from ended) as settled,
       (select count(*) from updated where pause_reason is not null) as paused,
       array(select id from told) as notification_ids,
       array(select distinct owner_id from updated where pause_reason is not null) as owner_ids
