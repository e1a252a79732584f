"""I5: what became of each text, told by who carried it and not by who sent it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from standins.twilio import read_ledger

from faults.harness.cluster import Cluster
from models import Settings
from models.result_link import link_token

ENDED = ("succeeded", "failed")
REPORTED = ("sent", "delivered", "undelivered", "failed")
_TOKEN = re.compile(r"/r/([\w-]{22})")


@dataclass
class Carried:
    """What the carrier knows, by the token of the link in a text.

    Attributes:
        taken: the ids of the texts that were taken.
        refused: the codes with which it refused one.
        dropped: how it failed without taking it.
        strange: texts without any link.
    """

    taken: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    refused: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    dropped: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    strange: list[str] = field(default_factory=list)
    moods: Counter[str] = field(default_factory=Counter)

    @classmethod
    def read(cls, cluster: Cluster) -> Carried:
        """Read the ledger of the stand-in, or the file of texts that stay on the machine."""
        carried = cls()
        if cluster.stand_in is None:
            for text in cluster.texts():
                carried._note("accepted", text)
            return carried
        for line in read_ledger(cluster.stand_in.ledger):
            if line["what"] in ("accepted", "refused", "dropped"):
                carried._note(line["what"], line)
        carried.moods = Counter(
            f"{request['call']} {request['treated']}" for request in cluster.stand_in.requests
        )
        return carried

    def _note(self, what: str, line: Mapping[str, Any]) -> None:
        found = _TOKEN.search(line["body"])
        if found is None:
            self.strange.append(line["body"])
        elif what == "accepted":
            self.taken[found[1]].append(line["sid"])
        elif what == "refused":
            self.refused[found[1]].append(str(line["code"]))
        else:
            self.dropped[found[1]].append(line["behaviour"])

    @property
    def count(self) -> int:
        """How many were taken."""
        return sum(map(len, self.taken.values()))


@dataclass
class TextJudge:
    """Judges each text that was wanted.

    Attributes:
        settings: of the product: they make the tokens of links.
        open_statuses: in which a text may still be, with nobody knowing what became of it.
        sent: how many texts of jobs were taken.
        none: why none was taken: reason → how many.
        held: how many are held for a person: what the carrier knows of them → how many.
        held_for_a_sender: how many of them the carrier did not lose twice: their sender was lost.
    """

    carried: Carried
    settings: Settings
    open_statuses: Collection[str] = ("needs_review",)
    broken: list[str] = field(default_factory=list)
    sent: int = 0
    none: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    held_for_a_sender: int = 0
    resent: int = 0

    def judge(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Judge all of them."""
        tokens = set()
        for row in rows:
            if row["link_id"] is None:
                self.broken.append(f"{row['job_id']} wants a text and has no link for it")
                continue
            token = link_token(self.settings, UUID(row["link_id"]))
            tokens.add(token)
            found = self._judge(row, token)
            if found:
                self.broken.append(f"{row['job_id']} {found}")
        others = sum(len(sids) for token, sids in self.carried.taken.items() if token not in tokens)
        others += len(self.carried.strange)
        if others:
            self.broken.append(f"{others} texts belong to no job that wants one")

    def _judge(self, row: Mapping[str, Any], token: str) -> str | None:
        """Return what is wrong with one text."""
        taken, status = self.carried.taken.get(token, []), row["text_status"]
        self.sent += len(taken)
        self.resent += bool(row["resends"])
        if status in self.open_statuses:
            self.held[f"{row['error_code']}: {self._seen(token)}"] += 1
            self.held_for_a_sender += len(self.carried.dropped.get(token, [])) < 2
        if len(taken) > 1:
            return f"got {len(taken)} texts ({status}, {row['error_code']})"
        if taken and row["was_unwanted"]:
            return "got a text and wanted none"
        if taken:
            return self._judge_taken(row, taken[0])
        return self._judge_none(row, token) if row["status"] in ENDED else None

    def _judge_taken(self, row: Mapping[str, Any], sid: str) -> str | None:
        status = row["text_status"]
        if row["status"] not in ENDED:
            return f"is {row['status']} and got a text"
        if status in self.open_statuses:
            return None
        if status not in REPORTED:
            return f"got a text, which is said to be {status} ({row['error_code']})"
        if row["provider_sid"] != sid:
            return f"got text {sid}, and is said to have got {row['provider_sid']}"
        return None

    def _judge_none(self, row: Mapping[str, Any], token: str) -> str | None:
        """Return what is wrong with a text that was never taken, or count why it was not."""
        status, code = row["text_status"], row["error_code"]
        if status is None:
            return f"{row['status']} has no text and no row of one"
        if status in self.open_statuses:
            self.none["held for a person"] += 1
            return None
        if status == "failed" and code == "opted_out" and row["is_suppressed"]:
            self.none["opted out"] += 1
            return None
        if status == "failed" and code in self.carried.refused.get(token, []):
            self.none[f"refused {code}"] += 1
            return None
        return f"{row['status']} got no text, it is {status} ({code}; {self._seen(token)})"

    def _seen(self, token: str) -> str:
        """Say what the carrier knows of a text."""
        seen = [*(["taken"] if self.carried.taken.get(token) else [])]
        seen += [f"refused {code}" for code in self.carried.refused.get(token, [])]
        seen += self.carried.dropped.get(token, [])
        return ", ".join(seen) or "never asked for"


def reported_ends(lines: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the end of each text that was reported and answered well: its id → status."""
    return {
        line["sid"]: line["status"]
        for line in lines
        if line["what"] == "callback"
        and line.get("status") in ("delivered", "undelivered", "failed")
        and 200 <= line["answer"] < 300
    }
