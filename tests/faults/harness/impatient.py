"""Not a guard: a sender waits for Twilio's answer as long as the run says, not for ten seconds.

Imported by the nodes that send texts, before they begin their work.
"""

import os

from tasks.providers.sms import twilio

assert twilio.TIMEOUT_SECONDS == 10
twilio.TIMEOUT_SECONDS = float(os.environ["FAULTS_TEXT_TIMEOUT"])
