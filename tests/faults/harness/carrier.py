"""The stand-in for Twilio in a cluster: it carries the texts, and misbehaves by a seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from standins.twilio import TwilioStandIn

FILE_NAME = "twilio.jsonl"


@dataclass(frozen=True, slots=True)
class Carrier:
    """How texts are carried, and the waits around them, shortened.

    Attributes:
        seed: what its moods are drawn from; None: it behaves.
        timeout_seconds: how long a sender waits for an answer, 10 s in production.
        lease_seconds: TEXT_LEASE_SECONDS.
        looks_seconds: TEXT_LOOKS_SECONDS.
        ask_again_seconds: until a question that failed is asked again, 60 s in production.
        senders: nodes that send texts.
    """

    seed: int | None = None
    timeout_seconds: float = 1
    lease_seconds: float = 3
    looks_seconds: tuple[float, float] = (3, 8)
    ask_again_seconds: float = 3
    senders: int = 2

    @property
    def names(self) -> list[str]:
        """The names of the nodes that send texts."""
        return [f"notifications-{number + 1}" for number in range(self.senders)]

    @property
    def moods(self) -> dict[str, float]:
        """How long the stand-in takes when it takes long; see Moods in standins/twilio.

        It lists a text before the last look for it. If it did so later, nobody could know of it,
        and a second send would be right.
        """
        return {
            "hang": 2.5 * self.timeout_seconds,
            "lag": 0.8 * self.looks_seconds[1],
            "late": self.looks_seconds[1] / 2,
        }

    def start(self, folder: Path) -> TwilioStandIn:
        """Start it; its ledger is a file of this folder."""
        arguments = []
        if self.seed is not None:
            arguments = ["--seed", str(self.seed)]
            arguments += [word for name, value in self.moods.items()
                          for word in (f"--{name}", str(value))]  # fmt: skip
        return TwilioStandIn.start(folder / FILE_NAME, *arguments)

    @property
    def waits(self) -> dict[str, str]:
        """The waits as settings."""
        return {
            "TEXT_LEASE_SECONDS": f"{self.lease_seconds:g}",
            "TEXT_LOOKS_SECONDS": ",".join(f"{seconds:g}" for seconds in self.looks_seconds),
        }

    def environment(self, stand_in: TwilioStandIn) -> dict[str, str]:
        """Return the settings with which the product texts by it, without any cap."""
        return {
            **stand_in.environment,
            **self.waits,
            "TEXTS_PER_NUMBER_A_DAY": "10000",
            "TEXTS_PER_COUNTRY_A_DAY": "10000000",
            "TEXTS_A_DAY": "10000000",
            "FAULTS_TEXT_TIMEOUT": str(self.timeout_seconds),
            "FAULTS_TEXT_ASK_AGAIN": str(self.ask_again_seconds),
        }

    def __str__(self) -> str:
        """Say who carries texts and how long things take, as a report begins."""
        looks = " and ".join(f"{seconds:g}" for seconds in self.looks_seconds)
        kept = (
            f"texts by Twilio's stand-in, {self.senders} senders, answers awaited for "
            f"{self.timeout_seconds:g} s (10), leases of {self.lease_seconds:g} s (60), looks "
            f"after {looks} s (120 and 600), failed questions again after "
            f"{self.ask_again_seconds:g} s (60)"
        )
        if self.seed is None:
            return kept
        moods = ", ".join(f"{name} {value:g} s" for name, value in self.moods.items())
        return f"{kept}; it misbehaves by seed {self.seed} ({moods} at the most)"
