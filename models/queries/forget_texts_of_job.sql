-- What the provider is asked to delete when a job is.
with texts as (
    select provider, provider_sid, lost_sids from notifications where job_id = :job_id
)
insert into texts_to_forget (provider, provider_sid)
\ir sids_of_texts.sql
on conflict do nothing
