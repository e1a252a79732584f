"""What each of the provider's error codes means for a text, and for its number.

A code may come with the answer to our request, or days later in a callback.

Source:
    Twilio's pages of these errors; a text that was refused with a code nobody knows is shown to a
    person instead of being sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Then(StrEnum):
    """What is done about a text."""

    RETRY = "retry"  # it was surely not sent
    RETRY_ONCE = "retry_once"  # it did not arrive; one more try later, and no second
    FIND_OUT = "find_out"  # it may have been sent
    END = "end"  # it will never arrive
    REVIEW = "review"  # a person decides


@dataclass(frozen=True, slots=True)
class TextAction:
    """What a code leads to.

    Attributes:
        then: what is done about the text.
        alert: whether whoever runs the service should know.
        opted_out: whether the number wants no more texts.
    """

    then: Then
    alert: bool = False
    opted_out: bool = False


_ACTIONS = {
    "20429": TextAction(Then.RETRY),  # too many requests, not processed
    "20500": TextAction(Then.FIND_OUT),  # a fault of theirs
    "21211": TextAction(Then.END),  # no such number
    "21408": TextAction(Then.END, alert=True),  # this region is not permitted
    "21610": TextAction(Then.END, opted_out=True),  # opted out at the provider
    "21612": TextAction(Then.END, alert=True),  # no route from our sender to this number
    "21614": TextAction(Then.END),  # no mobile number
    "30003": TextAction(Then.RETRY_ONCE),  # handset out of reach
    "30004": TextAction(Then.END, alert=True),  # blocked
    "30005": TextAction(Then.END),  # unknown destination
    "30006": TextAction(Then.END),  # a landline
    "30007": TextAction(Then.END, alert=True),  # filtered; repeating makes it worse
    "30047": TextAction(Then.RETRY),  # quiet hours there: neither queued nor sent
}
CODES = tuple(_ACTIONS)
_UNKNOWN = TextAction(Then.REVIEW, alert=True)


def action_for(code: str | None) -> TextAction:
    """Return what a code leads to; one that is not known goes to a person."""
    return _ACTIONS.get(code or "", _UNKNOWN)
