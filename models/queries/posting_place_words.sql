-- The words of the places of the newest postings of these sites, with how many are there. Read only
-- where no posting is at the place that was asked for.
with newest as (
    select p.document
    from postings p
    where p.location is not null
      and exists (
          select from posting_addresses a where a.posting_id = p.id and a.site = any(:sites)
      )
      and (p.site not like 'feed:%' or p.site = any(:sites))
      and (p.age_hours is not null
           or p.last_seen_at > clock_timestamp() - :fresh_days * interval '1 day')
    order by p.last_seen_at desc
    limit :most
)
select word.lexeme as word, count(*) as postings
from newest, unnest(ts_filter(newest.document, '{c}')) as word
group by word.lexeme
