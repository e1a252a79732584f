-- What the provider is asked to delete when a job is: its text, and the sends of it that got lost.
insert into texts_to_forget (provider, provider_sid)
select provider, provider_sid from notifications
where job_id = :job_id and provider is not null and provider_sid is not null
union
select provider, unnest(lost_sids) from notifications
where job_id = :job_id and provider is not null and lost_sids is not null
on conflict do nothing
