-- With a job go its events, links and texts.
delete from jobs
where id in (select id from jobs where owner_id = :account_id limit :at_once)
