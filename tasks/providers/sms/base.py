"""The seam to whoever carries text messages."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tasks.errors import ProviderError


class Outcome(StrEnum):
    """What is known after a send that did not answer plainly."""

    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


class SmsError(ProviderError):
    """A text was not taken, or it cannot be known whether it was.

    `outcome` UNKNOWN means the provider may have it: it must never be sent again blindly.
    `permanent` says, for NOT_SENT, whether trying again would be useless.
    """

    def __init__(self, message: str, *, outcome: Outcome, permanent: bool, code: str) -> None:
        super().__init__(message, permanent=permanent, code=code)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class SentText:
    """What the provider answered: its own id for the text, and in how many segments it goes."""

    sid: str
    segments: int | None = None


class SmsProvider(Protocol):
    """Carries one text at a time."""

    name: str

    def send(self, *, to: str, body: str) -> SentText:
        """Hand one text over.

        Args:
            to: E.164, e.g. '+821012345678'.
            body: at most 1,600 characters.

        Raises:
            SmsError: says whether it was surely not sent, and whether to try again.
        """
        ...
