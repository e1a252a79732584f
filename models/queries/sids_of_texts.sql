-- What the provider calls these texts, and the sends of them that got lost.
select provider, provider_sid from texts where provider is not null and provider_sid is not null
union
select provider, unnest(lost_sids) from texts where provider is not null and lost_sids is not null
