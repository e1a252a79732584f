-- What the provider is asked to delete: each text and code of an account, without saying whose.
insert into texts_to_forget (provider, provider_sid)
select provider, provider_sid from notifications
where job_id in (select id from jobs where owner_id = :account_id)
  and provider is not null and provider_sid is not null
union
select provider, unnest(lost_sids) from notifications
where job_id in (select id from jobs where owner_id = :account_id)
  and provider is not null and lost_sids is not null
union
select provider, provider_sid from verification_codes
where owner_id = :account_id and provider is not null and provider_sid is not null
on conflict do nothing
