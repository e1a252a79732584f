"""The points at which a sender of texts can be hit, beside those of a job (points.py).

`text:claimed`: it has a text and has not passed the guard. `text:guarded`: it has, and has not
asked the carrier. `text:taken`: the carrier has the text, and nothing is written down. When a
sender has done with a text its log says so.

The file `two-hosts` among what is armed makes each sender believe that the others run elsewhere, so
that it cannot look for their processes.
"""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

from sqlalchemy.orm import Session

import tasks.notifications
from faults import points
from models import NotificationClaim
from tasks.providers.sms.twilio import TwilioSms
from tasks.sender import Holder, Sender

log = logging.getLogger(__name__)
_guard, _send, _work, _is_dead = (
    Sender.guard,
    TwilioSms.send,
    tasks.notifications._send,
    Holder.is_dead,
)


def _guarded(self: Sender, claim: NotificationClaim) -> bool:
    points.hit("text:claimed")
    passed = _guard(self, claim)
    if passed:
        points.hit("text:guarded")
    return passed


def _sent(self: TwilioSms, **values: Any) -> Any:
    answer = _send(self, **values)
    points.hit("text:taken")
    return answer


def _worked(claim: NotificationClaim, *others: Any) -> str:
    try:
        return _work(claim, *others)
    finally:
        log.warning("done with %s", claim.id)


def _is_dead_as_far_as_known(self: Holder, session: Session) -> bool:
    if (points._FOLDER / "two-hosts").exists():
        return _is_dead(dataclasses.replace(self, host="elsewhere"), session)
    return _is_dead(self, session)


Sender.guard = _guarded  # type: ignore[method-assign]
tasks.notifications._send = _worked
TwilioSms.send = _sent  # type: ignore[method-assign]
Holder.is_dead = _is_dead_as_far_as_known  # type: ignore[method-assign]
