"""A cap that is counted without the owner's lock: claims of one moment do not see each other."""

from faults.broken.statements import take_out

take_out("lock_owner", "for no key update")
