-- Whether a person may have one more job running or in line. Not exact when two are submitted at the
-- same moment: the claim has the last word.
select count(*) < :most_running
       and (
           :queue <> 'scheduled'
           or count(*) filter (where queue = 'scheduled') < greatest(1, :most_running - 1)
       )
from (
    select queue from jobs where owner_id = :owner_id and status = 'running'
    union all
    select queue from jobs
    where owner_id = :owner_id and status = 'queued' and dispatched_at is not null
) as slot
