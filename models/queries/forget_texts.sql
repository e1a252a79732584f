-- What the provider is asked to delete: each text and code of an account, without saying whose.
with texts as (
    select provider, provider_sid, lost_sids from notifications
    where job_id in (select id from jobs where owner_id = :account_id)
)
insert into texts_to_forget (provider, provider_sid)
\ir sids_of_texts.sql
union
select provider, provider_sid from verification_codes
where owner_id = :account_id and provider is not null and provider_sid is not null
on conflict do nothing
