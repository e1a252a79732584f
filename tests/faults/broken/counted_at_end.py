"""Attempts counted when they end: a job that kills its worker never does, so it never fails."""

from faults.broken.statements import take_out

take_out("claim_job", "attempt = attempt + 1", "attempt = attempt")
for name in ("finish_job", "retry_job"):
    take_out(name, "version = version + 1,", "version = version + 1, attempt = attempt + 1,")
