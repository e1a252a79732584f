"""What the stand-in knows: messages, scripts, who has opted out, and what was asked of it."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from standins.twilio.behaviour import Behaviour, Moods
from standins.twilio.callbacks import Diary, post, signature
from standins.twilio.ledger import Ledger
from standins.twilio.message import FINAL, Message


@dataclass
class Rule:
    """A behaviour for the requests it fits, for so many of them.

    Attributes:
        call: create, list, fetch or delete.
        to: only for this number.
        body: only for texts with these words in them.
        times: how many more; None for all.
    """

    behaviour: Behaviour
    call: str = "create"
    to: str | None = None
    body: str | None = None
    times: int | None = 1

    def fits(self, call: str, to: str, body: str) -> bool:
        """Whether it is for such a request."""
        return (
            self.times != 0
            and self.call == call
            and self.to in (None, to)
            and (self.body is None or self.body in body)
        )


class Account:
    """All state, behind one lock; `changed` wakes who waits for something to come."""

    def __init__(self, sid: str, auth_token: str, ledger: Ledger) -> None:
        self.sid = sid
        self.auth_token = auth_token
        self.ledger = ledger
        self.changed = threading.Condition()
        self._diary = Diary()
        self._forget()

    def _forget(self) -> None:
        self.messages: dict[str, Message] = {}
        self.requests: list[dict[str, Any]] = []
        self.callbacks: list[dict[str, Any]] = []
        self.opted_out: set[str] = set()
        self._rules: list[Rule] = []
        self._otherwise = Behaviour()
        self._moods: Moods | None = None
        self._rng: dict[str, random.Random] = {}

    # -- orders ---------------------------------------------------------------------------------

    def forget(self) -> None:
        """Begin anew; the ledger stays."""
        with self.changed:
            self._diary.forget()
            self._forget()

    def script(self, rule: Rule) -> None:
        """Add a rule; the first that fits counts."""
        with self.changed:
            self._rules.append(rule)

    def otherwise(self, behaviour: Behaviour) -> None:
        """Choose what is done when no rule fits."""
        with self.changed:
            self._otherwise, self._moods = behaviour, None

    def misbehave(self, seed: int, moods: Moods) -> None:
        """Draw what is done when no rule fits: the n-th request of a sort is treated alike."""
        with self.changed:
            self._moods = moods
            self._rng = {
                call: random.Random(f"{seed} {call}")
                for call in ("create", "list", "fetch", "delete")
            }

    def treat(self, call: str, to: str = "", body: str = "", **words: Any) -> Behaviour:
        """Note a request and return how to treat it."""
        with self.changed:
            rule = next((rule for rule in self._rules if rule.fits(call, to, body)), None)
            if rule is not None:
                behaviour = rule.behaviour
                rule.times = None if rule.times is None else rule.times - 1
            elif self._moods is not None:
                behaviour = self._moods.draw(self._rng[call], call)
            else:
                behaviour = self._otherwise if call == "create" else Behaviour()
            if call == "create" and behaviour.answer == "accept" and to in self.opted_out:
                behaviour = Behaviour("refuse", code=21610)
            if behaviour.code == 21610:
                self.opted_out.add(to)
            self.requests.append(
                {"at": time.time(), "call": call, "to": to, "body": body, "treated": str(behaviour)}
                | words
            )
            self.changed.notify_all()
            return behaviour

    # -- messages -------------------------------------------------------------------------------

    def accept(self, values: Mapping[str, str], behaviour: Behaviour) -> dict[str, Any]:
        """Take a message, begin what becomes of it, and return it as it was taken."""
        service = values.get("MessagingServiceSid")
        message = Message(
            sid="SM" + secrets.token_hex(16),
            account_sid=self.sid,
            to=values["To"],
            body=values["Body"],
            sender=values.get("From"),
            service=service,
            callback=values.get("StatusCallback"),
            behaviour=behaviour,
            status="accepted" if service else "queued",
        )
        self.ledger.write(
            "accepted",
            sid=message.sid,
            to=message.to,
            body=message.body,
            callback=message.callback,
            behaviour=str(behaviour),
            **{"from": message.sender or message.service},
        )
        taken = message.as_json()
        with self.changed:
            self.messages[message.sid] = message
            self.changed.notify_all()
        self._live(message)
        return taken

    def listed(self) -> list[Message]:
        """Return what the list shows now, newest first."""
        now = time.time()
        with self.changed:
            shown = [message for message in self.messages.values() if message.listed_at <= now]
        return sorted(shown, key=lambda message: message.created_at, reverse=True)

    def delete(self, sid: str) -> int | None:
        """Delete a message; returns Twilio's code when that cannot be."""
        with self.changed:
            message = self.messages.get(sid)
            if message is None:
                return 20404
            if message.status not in (*FINAL, "sent"):
                return 20009
            self.ledger.write("deleted", sid=sid)
            del self.messages[sid]
            self.changed.notify_all()
        return None

    def _live(self, message: Message) -> None:
        """Plan each status and each callback of a message."""
        behaviour, began = message.behaviour, time.monotonic()
        steps: list[tuple[str, float]] = []
        if message.service:
            steps.append(("queued", 0))
        if behaviour.fate not in ("queued", "failed"):
            steps.append(("sent", behaviour.fate_after / 2))
        if behaviour.fate in FINAL:
            steps.append((behaviour.fate, behaviour.fate_after))
        for status, after in steps:
            code = behaviour.fate_code if status == behaviour.fate else None
            self._diary.at(began + after, self._moving(message, status, code))
        if message.callback is None or behaviour.callbacks == "never" or not steps:
            return
        calls: list[tuple[float, Callable[[], None]]] = []
        for status, after in steps:
            code = behaviour.fate_code if status == behaviour.fate else None
            calls.append((after, self._posting(message, status, code)))
        if behaviour.callbacks == "doubled":
            calls = [call for call in calls for _ in range(2)]
        if behaviour.callbacks == "disordered":  # the last first, each when the other was answered
            calls = [(steps[-1][1], _in_turn([call for _, call in reversed(calls)]))]
        for after, call in calls:
            self._diary.at(began + after + behaviour.callback_after + 0.001, call)

    def _moving(self, message: Message, status: str, code: int | None) -> Callable[[], None]:
        def move() -> None:
            with self.changed:
                if self.messages.get(message.sid) is not message:
                    return  # forgotten meanwhile
                self.ledger.write("status", sid=message.sid, status=status, code=code)
                message.move(status, code)
                self.changed.notify_all()

        return move

    def _posting(self, message: Message, status: str, code: int | None) -> Callable[[], None]:
        def call() -> None:
            assert message.callback is not None
            if self.messages.get(message.sid) is not message:
                return
            fields = message.callback_fields(status, code)
            self.post(message.callback, fields, sid=message.sid, status=status)

        return call

    def post(
        self, url: str, fields: Mapping[str, str], *, token: str | None = None, **words: Any
    ) -> int:
        """Post signed fields and note the answer; with an empty token they are not signed."""
        token = self.auth_token if token is None else token
        sign = signature(token, url, fields) if token else None
        status = post(url, fields, sign)
        self.ledger.write("callback", url=url, answer=status, **words)
        with self.changed:
            if "sid" not in words or words["sid"] in self.messages:
                self.callbacks.append({"url": url, "fields": dict(fields), "answer": status})
            self.changed.notify_all()
        return status


def _in_turn(calls: Sequence[Callable[[], None]]) -> Callable[[], None]:
    def call_all() -> None:
        for call in calls:
            call()

    return call_all
