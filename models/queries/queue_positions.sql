-- How many queued jobs of the same queue are served before each of these, itself included: numbers,
-- nothing about whose they are. A function of the operator's, for a person's policy hides the others.
select job_id, place from textback_queue_positions(cast(:ids as uuid[]))
