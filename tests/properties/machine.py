"""People, workers, sweeps and a broker that loses and doubles messages, in any order."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID, uuid4

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from properties import invariants, snapshot
from properties.invariants import BrokenPromiseError
from properties.model import LEASE_SECONDS, MOST_RUNNING, Life, Model
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import Claim, Database, JobSource, Progress, Settings
from models.cancellation import request_cancel, settle_lapsed_cancel
from models.claim import lose_attempt
from models.errors import StaleFenceError
from models.queries import query
from models.repeated import find_by_idempotency_key, find_same_question
from tasks.dispatch import hint_on_commit
from tasks.submission import Submission, submit

# Steps of the clock stay far from all limits: the real seconds of an example change nothing.
CLOCK_STEPS = (2 * LEASE_SECONDS // 3, 4 * LEASE_SECONDS // 3)
PATIENCE_SECONDS = LEASE_SECONDS // 3
RETRY_SECONDS = LEASE_SECONDS
MOST_JOBS = 12
WORK = ("beat", "progress", "progress", "progress", "check", "checkpoint", "partial")
ENDS = ("succeed", "succeed", "fail", "retry", "cancel")
NODES = ("one@host/11", "two@host/22", "three@host/33")
PEOPLE = 2

_SHIFT = """
    update jobs
    set lease_until = lease_until - make_interval(secs => %(seconds)s),
        not_before = not_before - make_interval(secs => %(seconds)s),
        dispatched_at = dispatched_at - make_interval(secs => %(seconds)s),
        hinted_at = hinted_at - make_interval(secs => %(seconds)s)
    where owner_id = any(%(people)s) and status in ('queued', 'running')
"""

small = st.integers(0, 11)


@dataclass
class Broker:
    """Messages in flight, as (queue, job); the machine loses, doubles and delays them."""

    hints: list[tuple[str, UUID]] = field(default_factory=list)
    thread: int = field(default_factory=threading.get_ident)

    def hear(self, queue: str, job_id: UUID) -> None:
        """Take a hint, unless this process has it left over from another test.

        Those come late, from the thread that publishes; the machine's own come as they are sent.
        """
        if threading.get_ident() == self.thread:
            self.hints.append((queue, job_id))

    def llen(self, queue: str) -> int:
        """Answer what Redis would."""
        return sum(name == queue for name, _ in self.hints)


@dataclass
class World:
    """What all examples share: real servers, two people, and the messages between."""

    database: Database
    settings: Settings
    connection: psycopg.Connection[Any]
    people: list[UUID]
    broker: Broker
    rescue: Callable[[], int]
    dispatch: Callable[[], int]
    happened: Counter[str] = field(default_factory=Counter)

    def forget(self) -> None:
        """Leave nothing to the next example."""
        self.connection.execute("delete from jobs where owner_id = any(%s)", (self.people,))
        self.broker.hints.clear()


@dataclass(frozen=True)
class Held:
    """A claim and the child process that believes to have it."""

    claim: Claim
    worker: str


class JobMachine(RuleBasedStateMachine):
    """One example: any order of what people, workers, sweeps and the broker may do."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.sent = self.world.broker.hints
        self.claims: list[Held] = []  # what workers believe to have, newest last
        self.seen: snapshot.Snapshot = {}
        self.stale: UUID | None = None  # the job an old fence wrote to in this step
        self.children = 0
        self.touched = True  # by this step; another look at what nobody touched shows nothing new

    @initialize(
        wishes=st.lists(
            st.tuples(st.integers(0, PEOPLE - 1), st.booleans(), st.booleans(), st.booleans(),
                      st.booleans(), st.integers(1, 3)),
            min_size=3, max_size=5,
        ),
        taken=st.integers(0, 3),
    )  # fmt: skip
    def begin(self, wishes: list[tuple[Any, ...]], taken: int) -> None:
        """Some jobs, and some of them claimed: what most steps need."""
        for wish in wishes:
            self.submit(*wish)
        for _ in range(min(taken, len(self.sent))):
            self._claim(self.sent.pop(0)[1], NODES[0])

    # People --------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.model.lives) < MOST_JOBS)
    @rule(owner=st.integers(0, PEOPLE - 1), scheduled=st.booleans(), notify=st.booleans(),
          few=st.booleans(), keyed=st.booleans(), question=st.integers(1, 3))  # fmt: skip
    def ask(self, **wish: Any) -> None:
        self.submit(**wish)

    def submit(
        self, owner: int, scheduled: bool, notify: bool, few: bool, keyed: bool, question: int
    ) -> None:
        key = uuid4().hex if keyed else None
        job = self._submit(owner, scheduled, notify, few, key, question)
        self.model.lives[job.id] = Life(
            id=job.id,
            owner=owner,
            scheduled=scheduled,
            max_attempts=job.max_attempts,
            question=job.question_hash,
            key=key,
        )

    @precondition(lambda self: self.model.lives)
    @rule(which=small, what=st.sampled_from(["ask again", "cancel", "look"]))
    def come_back(self, which: int, what: str) -> None:
        """Ask the same again, want it stopped, or look at a job that was to stop."""
        life = self._life(which)
        if what == "cancel":
            self._cancel(life)
        elif what == "look":
            self._look_at(life)
        else:
            if life.key:
                self._same_key(life)
            self._same_question(life)

    # Workers -------------------------------------------------------------------------------------

    @precondition(lambda self: self.sent)
    @rule(which=small, node=st.sampled_from(NODES))
    def deliver(self, which: int, node: str) -> None:
        self._claim(self.sent.pop(which % len(self.sent))[1], node)

    @precondition(lambda self: self.model.lives)
    @rule(which=small, node=st.sampled_from(NODES), crowd=st.booleans())
    def deliver_late(self, which: int, node: str, crowd: bool) -> None:
        """Messages that were doubled or are very old may be about any job in any state."""
        named = self._life(which)
        for life in list(self.model.lives.values()):
            if life is named or (crowd and life.owner == named.owner):
                self._claim(life.id, node)

    @precondition(lambda self: self._workers())
    @rule(which=small, percents=st.lists(st.integers(0, 99), max_size=3))
    def beat(self, which: int, percents: list[int]) -> None:
        """A sign of life without news, or with some; what comes late may say less."""
        held = _pick(self._workers(), which)
        self._write(held, "beat")
        for percent in percents:
            self._write(held, "progress", percent)
            self.every_promise_is_kept()

    @precondition(lambda self: self._workers())
    @rule(which=small, what=st.sampled_from(["check", "checkpoint", "partial"]), number=small)
    def keep(self, which: int, what: str, number: int) -> None:
        self._write(_pick(self._workers(), which), what, number)

    @precondition(lambda self: self.claims)
    @rule(which=small, how=st.sampled_from(ENDS))
    def finish(self, which: int, how: str) -> None:
        self._write(self._held(which), how)

    @precondition(lambda self: self._zombies())
    @rule(which=small, what=st.sampled_from(WORK + ENDS), number=st.integers(0, 99))
    def wake_a_zombie(self, which: int, what: str, number: int) -> None:
        """What it writes must not hit the attempt that runs now."""
        self._write(_pick(self._zombies(), which), what, number)

    @precondition(lambda self: self.claims)
    @rule(which=small, how=st.sampled_from(["silent", "seen", "asked to"]))
    def stop_working(self, which: int, how: str) -> None:
        """A child dies and nobody hears of it, or its main process does; or a node is stopped."""
        held = self._held(which)
        if how == "asked to":
            self._stop_node(held.worker.rpartition("/")[0])
        elif how == "seen":
            self._lose(held)
        else:
            self.touched = False
        if how != "asked to":
            self.claims.remove(held)

    @precondition(lambda self: self.claims)
    @rule(which=small, node=st.sampled_from(NODES))
    def freeze(self, which: int, node: str) -> None:
        """A worker stands still past its lease; its job is rescued and claimed by another."""
        job_id = self._held(which).claim.job_id
        self._shift(2 * LEASE_SECONDS)
        self._rescue()
        self._claim(job_id, node)

    # The broker, the sweeps and the clock --------------------------------------------------------

    @precondition(lambda self: self.sent)
    @rule(which=small, what=st.sampled_from(["lost", "doubled", "flushed"]))
    def harm_the_messages(self, which: int, what: str) -> None:
        self.touched = False
        if what == "lost":
            self.sent.pop(which % len(self.sent))
        elif what == "doubled":
            self.sent.append(_pick(self.sent, which))
        else:
            self.sent.clear()

    @rule(waiting_too=st.booleans())
    def sweep(self, waiting_too: bool) -> None:
        self._rescue()
        if waiting_too:
            self._dispatch()

    @rule(seconds=st.sampled_from(CLOCK_STEPS))
    def time_passes(self, seconds: int) -> None:
        self._shift(seconds)

    # What must hold ------------------------------------------------------------------------------

    @invariant()
    def every_promise_is_kept(self) -> None:
        """After each step the rows, the events and the model tell one story."""
        self.world.happened["steps"] += 1
        # Statements return rows in any order; an example must be the same each time it is tried.
        self.sent.sort(key=lambda hint: list(self.model.lives).index(hint[1]))
        if not self.touched:
            self.touched, self.stale = True, None
            return
        after = self._look()
        invariants.check(self.seen, after, most_running=MOST_RUNNING, stale=self.stale)
        if after.keys() != self.model.lives.keys():
            raise BrokenPromiseError(
                "nothing is lost", f"{sorted(after)} for {sorted(self.model.lives)}"
            )
        for job_id, life in self.model.lives.items():
            life.holds(after[job_id])
        self.seen, self.stale, self.touched = after, None, True

    def teardown(self) -> None:
        """From wherever the steps have led, every job comes to its end."""
        try:
            if sys.exc_info()[0] is None:  # else a step has failed already
                self._run_to_the_end()
                ended = Counter(life.status for life in self.model.lives.values())
                self.world.happened.update(ended)
        finally:
            self.world.forget()

    def _run_to_the_end(self) -> None:
        for _ in range(4 * MOST_JOBS):
            if all(life.ended for life in self.model.lives.values()):
                return
            self._shift(2 * LEASE_SECONDS)
            self._rescue()
            self._dispatch()
            self.every_promise_is_kept()
            while self.sent:
                self._claim(self.sent.pop(0)[1], NODES[0])
                life = self.model.lives[self.claims[-1].claim.job_id] if self.claims else None
                if life and life.status == "running":
                    self._write(self.claims[-1], "succeed")
            self.every_promise_is_kept()
        left = [life for life in self.model.lives.values() if not life.ended]
        raise BrokenPromiseError("nothing is lost", f"{left} never ended")

    def _submit(
        self, owner: int, scheduled: bool, notify: bool, few: bool, key: str | None, question: int
    ) -> Any:
        submission = Submission(
            kind="broken" if few else "count_slowly",
            params={"steps": question},
            source=JobSource.SCHEDULE if scheduled else JobSource.API,
            notify="sms" if notify else "none",
            idempotency_key=key,
            request_hash=b"x" if key else None,
        )
        person = self.world.people[owner]
        time.sleep(0.001)  # ids of one millisecond are in no order
        with self.world.database.owner(person) as session:
            return submit(session, self.world.settings, person, submission)

    def _claim(self, job_id: UUID, node: str) -> None:
        life = self.model.lives[job_id]
        self.children += 1
        worker = f"{node}/{self.children}"  # a child has one job at a time, and dies once
        allowed = self.model.may_claim(life)
        with self.world.database.worker() as session:
            claim = Claim.take(
                session,
                job_id,
                worker=worker,
                lease_seconds=LEASE_SECONDS,
                most_running=MOST_RUNNING,
            )
        if (claim is not None) != allowed:
            waits = life.status == "queued" and self.model.is_due(life)
            promise = "a person's cap" if waits and claim else "only what waits is claimed"
            raise BrokenPromiseError(promise, f"{claim} for {life}")
        self.world.happened["claims" if claim else "hints turned away"] += 1
        if claim is not None:
            self.model.claim(life, worker)
            if claim.checkpoint != life.checkpoint:
                raise BrokenPromiseError(
                    "a retry goes on from the checkpoint", f"{claim} for {life}"
                )
            self.claims.append(Held(claim, worker))

    def _same_key(self, life: Life) -> None:
        with self._person(life) as session:
            found = find_by_idempotency_key(session, life.key or "")
        if found is None or found.id != life.id:
            raise BrokenPromiseError("one job for one key", f"{found} instead of {life.id}")
        try:
            self._submit(life.owner, life.scheduled, False, False, life.key, 1)
        except IntegrityError:
            return
        raise BrokenPromiseError("one job for one key", f"a second one for {life.key}")

    def _same_question(self, asked: Life) -> None:
        same = [
            life.id
            for life in self.model.lives.values()
            if (life.owner, life.question) == (asked.owner, asked.question)
            and not (life.ended or life.cancel_requested)
            # What waits for the hour of a schedule keeps nobody from asking now.
            and not (life.scheduled and life.status == "queued")
        ]
        with self._person(asked) as session:
            found = find_same_question(session, asked.question)
        if found != max(same, default=None):
            raise BrokenPromiseError("the same question", f"{found} instead of one of {same}")

    def _cancel(self, life: Life) -> None:
        with self._person(life) as session:
            cancellation = request_cancel(session, life.id)
            hint_on_commit(session, cancellation.next if cancellation else None)
        if life.status == "queued" or self.model.has_lapsed(life):
            self._end_without_a_worker(life)
        elif life.status == "running":
            life.cancel_requested = True
        if cancellation is None or cancellation.status != life.status:
            raise BrokenPromiseError("cancel says what it did", f"{cancellation} for {life}")

    def _look_at(self, life: Life) -> None:
        """Whoever reads a job that was asked to stop ends it, if its worker fell silent."""
        ends = life.cancel_requested and self.model.has_lapsed(life)
        with self._person(life) as session:
            settled = settle_lapsed_cancel(session, life.id)
            hint_on_commit(session, settled.next if settled else None)
        if ends:
            self._end_without_a_worker(life)
        if (settled is not None) != ends:
            raise BrokenPromiseError("a silent worker holds up no cancel", f"{settled} for {life}")

    def _end_without_a_worker(self, life: Life) -> None:
        life.fence += 1
        life.cancel_requested = True
        self.model.end(life, "cancelled")

    @staticmethod
    def _is_heard(wish: bool, life: Life) -> None:
        if wish != life.cancel_requested:
            raise BrokenPromiseError("a wish to cancel is heard", f"{wish} for {life}")

    def _rescue(self) -> None:
        lapsed = [life for life in self.model.lives.values() if self.model.has_lapsed(life)]
        rescued = self.world.rescue()
        self.world.happened["rescues"] += len(lapsed)
        for life in lapsed:
            self.model.put_back(life)
        if rescued != len(lapsed):
            raise BrokenPromiseError("the sweep rescues what lapsed", f"{rescued} of {lapsed}")

    def _dispatch(self) -> None:
        self.world.dispatch()
        self._check_that_nobody_waits_in_vain()

    def _lose(self, held: Held) -> None:
        """Its main process tells at once; the name says which attempt was its own."""
        life, stale = self.model.lives[held.claim.job_id], self._is_stale(held)
        with self.world.database.worker() as session:
            lost = lose_attempt(
                session, life.id, worker=held.worker, code="worker_lost", message="Lost."
            )
            hint_on_commit(session, lost.next if lost else None)
        if not stale:
            self.model.put_back(life)
        if (lost is None) != stale:
            raise BrokenPromiseError("a dead child's job is given up", f"{lost} for {life}")

    def _stop_node(self, node: str) -> None:
        """Its jobs go back at once, and the attempt was not their fault."""
        with self.world.database.worker() as session:
            rows = session.execute(query("hand_back_jobs"), {"worker": node}).all()
        self.sent += [(row.queue, row.id) for row in rows if row.status == "queued"]
        for life in self.model.lives.values():
            if life.status == "running" and life.worker.startswith(f"{node}/"):
                if life.cancel_requested:
                    life.status = "cancelled"
                else:
                    life.status, life.progress = "queued", 0
                life.attempt -= 1
                life.fence += 1

    def _held(self, which: int) -> Held:
        """Return one of the newest claims."""
        return self.claims[-1 - which % min(len(self.claims), 6)]

    def _workers(self) -> list[Held]:
        """Return the claims that still hold."""
        return [
            held
            for held in self.claims
            if (life := self.model.lives[held.claim.job_id]).status == "running"
            and life.fence == held.claim.fence
        ]

    def _zombies(self) -> list[Held]:
        """Return the claims whose job runs in another attempt now."""
        return [
            held
            for held in self.claims
            if (life := self.model.lives[held.claim.job_id]).status == "running"
            and life.fence != held.claim.fence
        ]

    def _is_stale(self, held: Held) -> bool:
        """Tell whether this claim may not write any more, and remember that in this step."""
        life = self.model.lives[held.claim.job_id]
        stale = life.status != "running" or life.fence != held.claim.fence
        self.stale = life.id if stale else None
        self.world.happened["steps of an old fence"] += stale
        return stale

    def _write(self, held: Held, what: str, number: int = 0) -> None:
        """Write as the holder of a claim does; an old fence is refused, and no other."""
        with _refused_if(self._is_stale(held)), self.world.database.worker() as session:
            if what in WORK:
                self._work(session, held.claim, what, number)
            else:
                self._end(session, held.claim, what)

    def _work(self, session: Session, claim: Claim, what: str, number: int) -> None:
        life, words = self.model.lives[claim.job_id], {"number": number}
        if what == "checkpoint":
            claim.save_checkpoint(session, words)
            life.checkpoint = words
        elif what == "partial":
            claim.save_partial(session, words, result_count=number)
            life.result, life.partial = words, True
        elif what == "check":
            self._is_heard(claim.check(session), life)
        else:
            progress = Progress(number) if what == "progress" else None
            wish = claim.heartbeat(session, lease_seconds=LEASE_SECONDS, progress=progress)
            self._is_heard(wish, life)
            life.lease_until = self.model.now + LEASE_SECONDS
            life.progress = max(life.progress, progress.percent if progress else 0)

    def _end(self, session: Session, claim: Claim, how: str) -> None:
        life, answer = self.model.lives[claim.job_id], {"fence": claim.fence}
        if how == "succeed":
            ended = claim.succeed(session, answer, result_count=1)
            self.model.end(life, "succeeded")
            life.result, life.partial, life.progress = answer, False, 100
        elif how == "cancel":
            ended = claim.cancel(session)
            self.model.end(life, "cancelled")
        elif how == "fail" or claim.attempt >= claim.max_attempts:
            ended = claim.fail(session, "hopeless", "There is no hope.")
            self.model.end(life, "failed")
        else:
            ended = claim.retry(session, delay_seconds=RETRY_SECONDS, code="x", message="x")
            life.status = "cancelled" if life.cancel_requested else "queued"
            life.progress = 0
            life.not_before = self.model.now + RETRY_SECONDS
        hint_on_commit(session, ended.next)

    def _check_that_nobody_waits_in_vain(self) -> None:
        """After the sweep, who may run has a place in line and a message, or no slot is free."""
        rows = self._look()
        for life in self.model.lives.values():
            if life.status != "queued" or not self.model.is_due(life):
                continue
            if rows[life.id].in_line:
                continue
            taken = [
                other
                for other in self.model.lives.values()
                if other.owner == life.owner
                and (other.status == "running"
                     or (other.status == "queued" and rows[other.id].in_line))
            ]  # fmt: skip
            scheduled = sum(other.scheduled for other in taken)
            full = len(taken) >= MOST_RUNNING or (
                life.scheduled and scheduled >= max(1, MOST_RUNNING - 1)
            )
            if not full:
                raise BrokenPromiseError("nobody waits in vain", f"{life} with {taken}")

    def _life(self, which: int) -> Life:
        return _pick(list(self.model.lives.values()), which)

    def _person(self, life: Life) -> Any:
        return self.world.database.owner(self.world.people[life.owner])

    def _look(self) -> snapshot.Snapshot:
        return snapshot.read(self.world.connection, self.world.people)

    def _shift(self, seconds: int) -> None:
        self.world.connection.execute(_SHIFT, {"seconds": seconds, "people": self.world.people})
        self.model.now += seconds


class _refused_if:  # noqa: N801 - reads as the sentence it is
    """Expects StaleFenceError from an old fence, and from no other."""

    def __init__(self, stale: bool) -> None:
        self.stale = stale

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        if kind not in (None, StaleFenceError):
            return False
        if self.stale and kind is None:
            raise BrokenPromiseError("an old fence never writes", "its write was taken")
        if not self.stale and kind is not None:
            raise BrokenPromiseError("the holder may write", "its write was refused")
        return True


def _pick(items: list[Any], which: int) -> Any:
    return items[which % len(items)]
