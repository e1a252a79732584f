-- How long jobs of a kind took lately, in seconds, and how many jobs are running at the moment.
select runs, low, mid, high, running from textback_kind_durations(:kind)
