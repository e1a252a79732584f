"""The load: many requests of several persons over HTTP, each repeated until it is accepted."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from faults.harness.cluster import Cluster
from faults.harness.person import NoAnswerError, Person, close_lines, new_key

THREADS = 6
PAUSE_SECONDS = 0.1
# An answer that says: not now. Anything else that is no acceptance is a mistake of somebody's.
NOT_NOW = (409, 429, 502, 503)
ACCEPTED = (200, 202)


@dataclass(frozen=True, slots=True)
class Request:
    """One thing somebody will ask for."""

    number: int
    person: int
    kind: str
    params: dict[str, Any]
    notify: str
    cancel: bool


def plan_load(rng: random.Random, jobs: int, persons: int) -> list[Request]:
    """Draw who asks for what: a few persons for half of it, a few for one job each."""
    heavy = range(max(1, persons // 8))
    once = range(persons - persons // 5, persons)
    others = range(len(heavy), persons - len(once))
    requests = []
    for number in range(jobs):
        if number < len(once):
            person = once[number]
        else:
            person = rng.choice(heavy if rng.random() < 0.5 else others)
        kind, params = _draw_work(rng)
        requests.append(
            Request(
                number=number,
                person=person,
                kind=kind,
                params={"label": str(number), **params},
                notify="sms" if rng.random() < 0.3 else "none",
                cancel=rng.random() < 0.01,
            )
        )
    rng.shuffle(requests)
    return requests


def _draw_work(rng: random.Random) -> tuple[str, dict[str, Any]]:
    draw = rng.random()
    short = {"steps": rng.randint(1, 4), "step_seconds": round(rng.uniform(0.01, 0.12), 3)}
    if draw < 0.01:  # longer than a short lease, so that its heart must beat
        return "steady", {
            "steps": rng.randint(10, 20),
            "step_seconds": round(rng.uniform(0.2, 0.4), 3),
        }
    if draw < 0.015:
        return "poison", {"step_seconds": 0.05}
    if draw < 0.045:
        return "hopeless_case", short
    if draw < 0.075:
        return "wobbly", {**short, "falters": 1}
    return "steady", short


@dataclass
class Load:
    """Sends the requests from a few threads.

    Attributes:
        accepted: what was answered with an acceptance: job id → request.
        answers: how often each status came; 0 for none.
        errors: what no client should ever see.
    """

    cluster: Cluster
    people: list[Person]
    requests: list[Request]
    most_outstanding: int
    may_send: Callable[[int], bool]
    accepted: dict[str, Request] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    slowest_answer: float = 0.0
    outstanding: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._send_all, name=f"load-{n}", daemon=True)
            for n in range(THREADS)
        ]

    def start(self) -> None:
        """Begin sending."""
        for thread in self._threads:
            thread.start()

    def is_done(self) -> bool:
        """Tell whether every request has been accepted, or failed for good."""
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Send no more."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)

    def _take(self) -> Request | None:
        """Return the next request once it may be sent."""
        while not self._stopping.is_set():
            with self._lock:
                if self._next == len(self.requests):
                    return None
                in_work = self._next - len(self.accepted)
                has_room = self.outstanding + in_work < self.most_outstanding
                if has_room and self.may_send(self._next):
                    self._next += 1
                    self.outstanding += 1
                    return self.requests[self._next - 1]
            time.sleep(0.02)
        return None

    def _send_all(self) -> None:
        try:
            while (request := self._take()) is not None:
                self._send(request)
        except Exception as error:  # noqa: BLE001 - said in the report
            self.errors.append(repr(error))
        finally:
            close_lines()

    def _send(self, request: Request) -> None:
        """Ask until it is accepted, each time with the same key."""
        person = self.people[request.person]
        body = person.submit_body(request.kind, notify=request.notify, **request.params)
        headers, webs, tries = new_key(), self.cluster.webs, 0
        while not self._stopping.is_set():
            web = webs[(request.number + tries) % len(webs)]
            tries += 1
            began = time.monotonic()
            try:
                answer = person.request("POST", "jobs", body, web=web, headers=headers)
            except NoAnswerError:
                self._count(0, began)
            else:
                self._count(answer.status, began)
                if answer.status in ACCEPTED:
                    self._accept(str(answer.json()["id"]), request)
                    if request.cancel:
                        self._cancel(person, str(answer.json()["id"]))
                    return
                if answer.status == 422 and answer.json()["code"] == "texts_stopped":
                    # They have opted out meanwhile: then without a text, which is another request.
                    body, headers = body | {"notify": "none"}, new_key()
                    continue
                if answer.status not in NOT_NOW:
                    text = answer.body[:300].decode(errors="replace")
                    self.errors.append(f"{answer.status} {text}")
                    if answer.status < 500:
                        return
            self._stopping.wait(PAUSE_SECONDS)

    def _cancel(self, person: Person, job_id: str) -> None:
        with contextlib.suppress(NoAnswerError):  # then it runs to its end, which is as good
            person.request("POST", f"jobs/{job_id}/cancellation")

    def _accept(self, job_id: str, request: Request) -> None:
        with self._lock:
            if job_id in self.accepted:
                self.doubled.append(job_id)  # two different requests were given one job
            self.accepted[job_id] = request

    def _count(self, status: int, began: float) -> None:
        with self._lock:
            self.answers[status] += 1
            self.slowest_answer = max(self.slowest_answer, time.monotonic() - began)
