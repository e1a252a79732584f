-- The words of the places that postings are at which these sites have shown lately, with how many are
-- there. Read only where no posting is at the place that was asked for.
select word.lexeme as word, count(*) as postings
from postings p, unnest(ts_filter(p.document, '{c}')) as word
where p.location is not null
  and (cast(:ids as uuid[]) is null or p.id = any(cast(:ids as uuid[])))
  and exists (
      select from posting_addresses a where a.posting_id = p.id and a.site = any(:sites)
  )
  and (p.site not like 'feed:%' or p.site = any(:sites))
  and (p.age_hours is not null
       or p.last_seen_at > clock_timestamp() - :fresh_days * interval '1 day')
group by word.lexeme
