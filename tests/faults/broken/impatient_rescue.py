"""A rescue that ignores `lease_until`: it takes jobs from workers that are well."""

from faults.broken.statements import take_out

take_out("rescue_jobs", "and lease_until < clock_timestamp()")
