"""A text without an answer is sent again at once, as most services do."""

from typing import Any

import tasks.notifications
from models import NotificationClaim, NotificationStatus, Settings
from tasks.providers.sms.base import Outcome, SmsError

_record_failure = tasks.notifications._record_failure


def _send_again(
    claim: NotificationClaim, error: SmsError, provider: str, settings: Settings
) -> Any:
    if error.outcome is Outcome.UNKNOWN:
        return tasks.notifications._record(
            claim, NotificationStatus.QUEUED, provider=provider, error_code=error.code
        )
    return _record_failure(claim, error, provider, settings)


tasks.notifications._record_failure = _send_again
