-- Postings that fit, the nearest first. A title counts most: by its words in any order, by a part of
-- it (Korean writes words together), and by its trigrams, which forgive typing errors. What a posting
-- does not say is not held against it, but for its place and being remote. What a person's own feed
-- told is shown to whoever asks that feed alone.
with asked as (
    select to_tsquery('simple', cast(:terms as text)) as terms,
           to_tsquery('simple', cast(:place as text)) as place,
           cast(:title as text) as title,
           cast(:part as text) as part
), fitting as (
    select p.*, coalesce(
               p.posted_on, (clock_timestamp() - p.age_hours * interval '1 hour')::date
           ) as told_on,
           word_similarity(asked.title, p.title)
           + 0.5 * similarity(asked.title, p.title)
           + case when p.title ilike asked.part then 0.5 else 0 end
           + 0.3 * ts_rank('{0.1, 0.1, 0.3, 1.0}', p.document, asked.terms) as score
    from asked
    join postings p
        on p.document @@ asked.terms or p.title ilike asked.part or p.title %> asked.title
    where (cast(:ids as uuid[]) is null or p.id = any(cast(:ids as uuid[])))
      and exists (
          select from posting_addresses a where a.posting_id = p.id and a.site = any(:sites)
      )
      and (p.site not like 'feed:%' or p.site = any(:sites))
      and (not :has_place or p.document @@ asked.place
           or :is_remote and p.is_remote
              and (p.location is null or p.location ~* 'remote|원격|재택'))
      and (cast(:country as text) is null or p.country is null or p.country = :country)
      and (not :is_remote or p.is_remote)
      and (cast(:job_type as text) is null or p.job_type is null or p.job_type = :job_type)
      and (cast(:hours_old as integer) is null
           or case when p.age_hours is not null then p.age_hours <= :hours_old
                   else coalesce(p.posted_on, p.first_seen_at::date)
                        >= (clock_timestamp() - :hours_old * interval '1 hour')::date end)
      and (p.age_hours is not null
           or p.last_seen_at > clock_timestamp() - :fresh_days * interval '1 day')
)
select f.id, f.title, f.company, f.location, f.country, f.is_remote, f.job_type,
       f.salary_min, f.salary_max, f.salary_currency, f.salary_interval,
       f.told_on, f.description, f.first_seen_at,
       (
           select jsonb_agg(jsonb_build_array(a.site, a.url) order by a.site)
           from posting_addresses a
           where a.posting_id = f.id and a.site = any(:sites)
       ) as addresses
from fitting f
order by f.score desc, f.told_on desc nulls last, f.id
limit :limit
