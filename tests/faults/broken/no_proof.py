"""A text that is not found is sent again, whether or not its sender may still be at it."""

import tasks.text_fates

tasks.text_fates.may_send_again = lambda _session, look: look.resends == 0
