-- By saved search: how many of its last slots were skipped because its person was away. Those that
-- rest, or have no slot to come, do not go on and are left out.
select saved_searches.id, (
    select count(*) from occurrences as skipped
    where skipped.saved_search_id = saved_searches.id and skipped.skipped = 'away'
      and skipped.slot_local > coalesce((
          select max(other.slot_local) from occurrences as other
          where other.saved_search_id = saved_searches.id
            and other.skipped is distinct from 'away'
      ), '-infinity')
) as slots
from saved_searches
cross join lateral (
    select occurrences.skipped from occurrences
    where occurrences.saved_search_id = saved_searches.id
    order by occurrences.slot_local desc, occurrences.cron_line desc
    limit 1
) as newest
where newest.skipped = 'away'
  and saved_searches.paused_at is null and saved_searches.next_slot_at is not null
