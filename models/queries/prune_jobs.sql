-- What expired jobs held: answer, inputs, events and links. The row stays, so that its person is told
-- that it has expired; a stranger's link leads nowhere, like one that never was.
with expired as (
    select id from jobs
    where expires_at < clock_timestamp() and pruned_at is null
      and status in ('succeeded', 'failed', 'cancelled')
    order by expires_at
    limit :most
    for update skip locked
), emptied as (
    update jobs
    set pruned_at = clock_timestamp(),
        params = '{}',
        result = null,
        checkpoint = null,
        client_context = null,
        meta = null,
        new_keys = null,
        question_hash = null,
        version = version + 1
    where id in (select id from expired)
    returning id
), events as (
    delete from job_events where job_id in (select id from expired)
), opened as (
    -- Who opened what a text led to was here: that outlives the link.
    select users.id, links.opened_at
    from users
    join (
        select owner_id, max(opened_at) as opened_at from result_links
        where job_id in (select id from expired) and purpose = 'text'
        group by owner_id
    ) as links on links.owner_id = users.id
    where users.last_seen_at < links.opened_at and users.erased_at is null
    -- Whoever has the row has it for longer than this may wait; then it is not known.
    for no key update of users skip locked
), seen as (
    update users set last_seen_at = opened.opened_at from opened where users.id = opened.id
), links as (
    delete from result_links where job_id in (select id from expired)
)
select id from emptied
