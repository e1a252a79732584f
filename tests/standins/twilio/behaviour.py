"""How the stand-in treats one request, as told or as drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

Answer = Literal["accept", "refuse", "throttle", "fault", "hang", "reset", "close"]
Callbacks = Literal["once", "doubled", "disordered", "never"]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What to do with one request.

    Attributes:
        answer: see the table of the package; for other calls than `create`, accept is the truth.
        accepts: whether the message is taken although the answer is fault, hang, reset or close.
        late: it is taken only after `seconds`, when the client may have given up, and not before.
        code: Twilio's code, for refuse; for fault the code in a 500.
        status: HTTP status; the usual one of the code, or 500 for a fault, unless given.
        retry_after: seconds in the header of a throttled answer.
        seconds: how long it takes to answer, or for how long it hangs.
        listed_after: seconds until a taken message is in the list.
        fate: the last status the message comes to: queued, sent, delivered, undelivered, failed.
        fate_code: the error code that goes with undelivered or failed.
        fate_after: seconds until then; it is sent after half of them.
        callbacks: how they are posted.
        callback_after: seconds between a status and its callback.
    """

    answer: Answer = "accept"
    accepts: bool = False
    late: bool = False
    code: int = 0
    status: int = 0
    retry_after: float = 1
    seconds: float = 0
    listed_after: float = 0
    fate: str = "delivered"
    fate_code: int | None = None
    fate_after: float = 0.1
    callbacks: Callbacks = "once"
    callback_after: float = 0

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read one; raises TypeError for a field that is none."""
        return cls(**values)

    def as_json(self) -> dict[str, Any]:
        """Return what differs from a plain acceptance."""
        plain = {field.name: field.default for field in fields(self)}
        return {name: value for name, value in asdict(self).items() if value != plain[name]}

    def __str__(self) -> str:
        """Name the kind of behaviour, as reports count it."""
        words: list[str] = [self.answer]
        if self.answer == "refuse":
            words.append(str(self.code))
        elif self.answer in ("fault", "hang", "reset", "close"):
            words.append("after accepting" if self.accepts else "before accepting")
        if self.late:
            words.append("late")
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Moods:
    """How often the stand-in does what when it misbehaves at random, and how long it takes then.

    Left out are the codes 30003 and 30047: after them a text is rightly sent once more.

    Attributes:
        hang_seconds: longer than the client waits.
        lag_seconds: a taken message is missing in the list for up to so long. Longer than until the
            client's last look, and the client cannot but send again.
        callback_seconds: a late callback is late by up to so long.
    """

    hang_seconds: float = 15
    lag_seconds: float = 300
    callback_seconds: float = 10

    def draw(self, rng: random.Random, call: str) -> Behaviour:
        """Draw the behaviour of one request."""
        if call != "create":
            return self._draw_question(rng)
        values: dict[str, Any] = {}
        draw = rng.random()
        if draw < 0.80:
            values |= {"seconds": rng.choice((0, 0, 0, 0.05, 0.2))}
        elif draw < 0.84:
            values |= {"answer": "throttle", "retry_after": rng.choice((0, 1, 2))}
        elif draw < 0.90:
            status = rng.choice((500, 502, 503, 504))
            values |= {"answer": "fault", "status": status, "accepts": rng.random() < 0.5}
        elif draw < 0.96:
            answer = rng.choice(("reset", "close"))
            values |= {"answer": answer, "accepts": rng.random() < 0.5}
        elif draw < 0.985:
            accepts, late = rng.choice(((False, False), (True, False), (True, True)))
            values |= {
                "answer": "hang",
                "seconds": self.hang_seconds,
                "accepts": accepts,
                "late": late,
            }
        elif draw < 0.9985:
            values |= {"answer": "refuse", "code": rng.choice((21211, 21614, 21408, 21612))}
        else:
            values |= {"answer": "refuse", "code": 21610}
        return Behaviour(**values, **self._draw_later(rng))

    def _draw_later(self, rng: random.Random) -> dict[str, Any]:
        later: dict[str, Any] = {"fate_after": round(rng.uniform(0, 0.4), 3)}
        if rng.random() < 0.25:
            later["listed_after"] = round(rng.uniform(0, self.lag_seconds), 3)
        if rng.random() < 0.04:
            later["fate"] = rng.choice(("undelivered", "failed"))
            later["fate_code"] = rng.choice((30004, 30005, 30006, 30007))
        later["callbacks"] = rng.choices(
            ("once", "doubled", "disordered", "never"), (0.55, 0.15, 0.15, 0.15)
        )[0]
        if rng.random() < 0.3:
            later["callback_after"] = round(rng.uniform(0, self.callback_seconds), 3)
        return later

    def _draw_question(self, rng: random.Random) -> Behaviour:
        draw = rng.random()
        if draw < 0.90:
            return Behaviour()
        if draw < 0.94:
            return Behaviour("throttle")
        if draw < 0.97:
            return Behaviour("fault", status=rng.choice((500, 503)))
        return Behaviour("reset")
