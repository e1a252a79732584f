"""A sender stands still between its guard and its request, while a file says so; harmless else."""

import os
from pathlib import Path
from typing import Any

from tasks.providers.sms.twilio import TwilioSms

STANDS_STILL = Path(os.environ["DATA_DIR"]) / "stands-still"
_send = TwilioSms.send


def _sent(self: TwilioSms, **values: Any) -> Any:
    if STANDS_STILL.exists():
        STANDS_STILL.rename(STANDS_STILL.with_name("stood-still"))  # one sender, one text
        os.kill(os.getpid(), 19)  # SIGSTOP, until the scene lets it go on
    return _send(self, **values)


TwilioSms.send = _sent  # type: ignore[method-assign]
