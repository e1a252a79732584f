-- Saved searches with a slot that has come, locked until the transaction ends, with all that decides
-- what becomes of it. Nothing is waited for: a row that somebody else has is theirs. The person's row is
-- locked as well, as the jobs' foreign key would: whoever erases them comes before or after.
select saved_searches.id,
       saved_searches.kind,
       saved_searches.cron_lines,
       saved_searches.time_zone,
       saved_searches.starts_at,
       saved_searches.ends_at,
       saved_searches.planned_until,
       saved_searches.overlap,
       saved_searches.missed,
       saved_searches.missed_limit_seconds,
       saved_searches.notify,
       users.phone_verified_at is not null
           and users.phone_ciphertext is not null
           and not exists (select from suppressions where phone_hash = users.phone_hash)
           as can_be_texted,
       case
           when users.last_seen_at > clock_timestamp() - make_interval(days => :away_days) then false
           -- Who opens what a text leads to is there.
           else not exists (
               select from jobs join result_links on result_links.job_id = jobs.id
               where jobs.owner_id = users.id
                 and result_links.purpose = 'text'
                 and result_links.opened_at > clock_timestamp() - make_interval(days => :away_days)
           )
       end as is_away,
       exists (
           select from jobs
           where jobs.saved_search_id = saved_searches.id and jobs.status in ('queued', 'running')
       ) as is_running,
       clock_timestamp() as now
from saved_searches join users on users.id = saved_searches.owner_id
where saved_searches.paused_at is null and saved_searches.next_slot_at <= clock_timestamp()
  and users.erased_at is null
  and (cast(:only as uuid) is null or saved_searches.id = cast(:only as uuid))
order by saved_searches.next_slot_at
limit :most
for no key update of saved_searches skip locked
for key share of users skip locked
