-- Those that were there already: seen again, and told anew where this site may. A row is told by the
-- site that told it first; what came from a person's own feed is taken over by anybody, and what the
-- first did not describe by whoever does. When it was seen is kept to the hour: each change of a row
-- goes through all its indexes.
\ir given_postings.sql
, found as materialized (
    select kept.id, kept.key,
           kept.last_seen_at < clock_timestamp() - interval '1 hour' as is_stale,
           (
               kept.site = :site
               or kept.site like 'feed:%'
               or (kept.description = '' and :site not like 'feed:%')
           ) and (
               kept.site, kept.title, kept.company, kept.location, kept.country, kept.is_remote,
               kept.job_type, kept.salary_min, kept.salary_max, kept.salary_currency,
               kept.salary_interval, kept.posted_on, kept.age_hours, kept.description
           ) is distinct from (
               :site, given.title, given.company, given.location, given.country, given.is_remote,
               given.job_type, given.salary_min, given.salary_max, given.salary_currency,
               given.salary_interval, given.posted_on, given.age_hours, given.description
           ) as is_told_anew
    from given
    join postings kept on kept.key = given.key
    order by kept.key
    for update of kept
), seen as (
    update postings as kept
    set last_seen_at = clock_timestamp()
    from found
    where kept.id = found.id and found.is_stale and not found.is_told_anew
)
update postings as kept
set last_seen_at = clock_timestamp(),
    site = :site,
    title = given.title,
    company = given.company,
    location = given.location,
    country = given.country,
    is_remote = given.is_remote,
    job_type = given.job_type,
    salary_min = given.salary_min,
    salary_max = given.salary_max,
    salary_currency = given.salary_currency,
    salary_interval = given.salary_interval,
    salary_yearly_min = given.salary_yearly_min,
    salary_yearly_max = given.salary_yearly_max,
    posted_on = given.posted_on,
    age_hours = given.age_hours,
    description = given.description,
    document = given.document
from found
join given on given.key = found.key
where kept.id = found.id and found.is_told_anew
