"""A sweep without `skip locked`: one row that somebody holds keeps it from all others."""

from faults.broken.statements import take_out

take_out("rescue_jobs", "for update skip locked", "for update")
