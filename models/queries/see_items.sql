-- What of an answer is new: this search has not seen it, and none of its person has told of it. All of it
-- counts as seen from now on. The first whole run, or the third at the latest, sets what is known; until
-- then nothing is new, for what a site keeps back today is old tomorrow.
with run as (
    select jobs.id, jobs.owner_id, jobs.saved_search_id, saved_searches.baseline_at
    from jobs join saved_searches on saved_searches.id = jobs.saved_search_id
    where jobs.id = :id and jobs.fence = :fence and jobs.worker = :worker
      and jobs.status = 'running'
), found as (
    select key, min(place) as place
    from jsonb_array_elements_text(cast(:keys as jsonb)) with ordinality as given (key, place)
    group by key
), fresh as (
    select found.key, found.place
    from run cross join found
    where run.baseline_at is not null
      and not exists (
          select from sightings
          where sightings.owner_id = run.owner_id and sightings.key = found.key
            and (sightings.told or sightings.saved_search_id = run.saved_search_id)
      )
), seen as (
    insert into sightings as known (saved_search_id, key, owner_id, told)
    select run.saved_search_id, found.key, run.owner_id,
           found.key in (select key from fresh)
    from run cross join found
    on conflict (saved_search_id, key) do update set last_seen_at = clock_timestamp()
    where known.last_seen_at < clock_timestamp() - interval '1 day'
), baseline as (
    update saved_searches
    set baseline_runs = baseline_runs + 1,
        baseline_at = case when :is_whole or baseline_runs >= 2 then clock_timestamp() end
    where id in (select saved_search_id from run where baseline_at is null)
)
update jobs
set new_keys = coalesce((select array_agg(key order by place) from fresh), '{}'),
    new_count = (select count(*) from fresh)
from run
where jobs.id = run.id and run.baseline_at is not null
