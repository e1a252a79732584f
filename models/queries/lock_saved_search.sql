-- The search that a job is a run of, before the job's own row: in the order in which a search that is
-- deleted lets go of its jobs.
select saved_searches.id
from saved_searches
where saved_searches.id = (select saved_search_id from jobs where jobs.id = :id)
for no key update
