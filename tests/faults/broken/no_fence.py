"""No fence: whoever once had a job may write to it as long as it runs, in whosever hands."""

from faults.broken.statements import FENCED, take_out

for name in FENCED:
    take_out(name, "and fence = :fence and worker = :worker")
