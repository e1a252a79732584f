"""The seam to whoever carries text messages."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
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
    `permanent` says, for NOT_SENT, whether trying again would be useless; `retry_after_seconds`
    when the provider asked to be left alone for so long.
    """

    def __init__(
        self,
        message: str,
        *,
        outcome: Outcome,
        permanent: bool,
        code: str,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, permanent=permanent, code=code)
        self.outcome = outcome
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class SentText:
    """What the provider answered: its own id for the text, and in how many segments it goes."""

    sid: str
    segments: int | None = None


@dataclass(frozen=True, slots=True)
class CarriedText:
    """A text as the provider's list shows it."""

    sid: str
    body: str


class SmsProvider(Protocol):
    """Carries one text at a time."""

    name: str

    def send(self, *, to: str, body: str, callback: str | None = None) -> SentText:
        """Hand one text over.

        Args:
            to: E.164, e.g. '+821012345678'.
            body: at most 1,600 characters.
            callback: the address to report to what becomes of it.

        Raises:
            SmsError: says whether it was surely not sent, and whether to try again.
        """
        ...

    def find(self, *, to: str, contains: str, but: Collection[str] = ()) -> SentText | None:
        """Look for a text that may have been taken.

        Args:
            to: E.164.
            contains: what only that text contains, such as the token of its link.
            but: ids of earlier sends of it that did not arrive.

        Raises:
            SmsError: it could not be looked for; nothing is known.
        """
        ...

    def since(self, moment: datetime) -> Iterator[CarriedText]:
        """Yield every text sent after a moment, for the daily comparison.

        Raises:
            SmsError: the list is not to be had.
        """
        ...

    def forget(self, sid: str) -> None:
        """Delete a text with its number and words; one that is gone is fine.

        Raises:
            SmsError: not deleted; to be tried again.
        """
        ...
