-- What no run has seen for a quarter of a year would be news again.
with old as (
    select saved_search_id, key from sightings
    where last_seen_at < clock_timestamp() - interval '92 days'
    order by last_seen_at
    limit :most
    for update skip locked
)
delete from sightings using old
where sightings.saved_search_id = old.saved_search_id and sightings.key = old.key
returning sightings.key
