-- How many queued jobs of the same queue are older: a number, nothing about whose they are.
-- A function owned by the migrations' role, because a person's own policy hides the others.
select textback_jobs_ahead(:queue, :id)
