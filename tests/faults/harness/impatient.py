"""Not a guard: senders wait for Twilio's answer, and ask again, as soon as the run says.

Imported by the nodes that send texts, before they begin their work.
"""

import os

from tasks import text_fates
from tasks.providers.sms import twilio

assert (twilio.TIMEOUT_SECONDS, text_fates.ASK_AGAIN_SECONDS) == (10, 60)
twilio.TIMEOUT_SECONDS = float(os.environ["FAULTS_TEXT_TIMEOUT"])
text_fates.ASK_AGAIN_SECONDS = float(os.environ["FAULTS_TEXT_ASK_AGAIN"])
