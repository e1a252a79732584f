-- A token goes with every one it made, so that whoever stole it keeps none.
with recursive family as (
    select id from api_tokens where id = :id
    union
    select api_tokens.id from api_tokens join family on api_tokens.made_by_id = family.id
)
update api_tokens set revoked_at = clock_timestamp()
where id in (select id from family) and revoked_at is null
returning id
