"""No sweep: what workers and messages lost is never found again."""

from faults.broken.statements import take_out

take_out("rescue_jobs", "status = 'running' and lease_until < clock_timestamp()", "false")
take_out("hint_again", "status = 'queued'", "false")
take_out("give_turns", "status = 'queued' and dispatched_at is null", "false")
