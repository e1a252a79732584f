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
        question_hash = null,
        version = version + 1
    where id in (select id from expired)
    returning id
), events as (
    delete from job_events where job_id in (select id from expired)
), links as (
    delete from result_links where job_id in (select id from expired)
)
select id from emptied
