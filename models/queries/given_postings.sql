with given as materialized (
    select told.*,
           setweight(to_tsvector('simple', told.title_words), 'A')
           || setweight(to_tsvector('simple', told.company_words), 'B')
           || setweight(to_tsvector('simple', told.place_words), 'C')
           || setweight(to_tsvector('simple', told.description_words), 'D') as document
    from jsonb_to_recordset(cast(:postings as jsonb)) as told (
        id uuid, key text, title text, company text, location text, country text,
        is_remote boolean, job_type text, salary_min numeric, salary_max numeric,
        salary_currency text, salary_interval text, salary_yearly_min numeric,
        salary_yearly_max numeric, posted_on date, age_hours integer, description text,
        title_words text, company_words text, place_words text, description_words text
    )
)
