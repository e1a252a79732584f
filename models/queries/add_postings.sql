-- Those nobody told of before. In the order of their keys, so that of two searches that found the
-- same ones one waits for the other, and never each for the other.
\ir given_postings.sql
insert into postings (
    id, key, site, title, company, location, country, is_remote, job_type, salary_min, salary_max,
    salary_currency, salary_interval, salary_yearly_min, salary_yearly_max, posted_on, age_hours,
    description, document
)
select id, key, :site, title, company, location, country, is_remote, job_type, salary_min,
       salary_max, salary_currency, salary_interval, salary_yearly_min, salary_yearly_max,
       posted_on, age_hours, description, document
from given
order by key
on conflict (key) do nothing
