"""Not a guard: each claim takes half a second between its count and its commit.

Two claims then meet for certain instead of by luck; with the lock in place one waits for the other.
"""

from faults.broken.statements import take_out

take_out("claim_job", "running.jobs < :most_running", "running.jobs < :most_running and slow")
take_out(
    "claim_job",
    "), allowed as (",
    "), slow as (select pg_sleep(0.5) is not null as slow), allowed as (",
)
take_out("claim_job", "from asked, running", "from asked, running, slow")
