"""The must-fail runs: which guard is taken out, what is done, and which invariant must notice."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from processes import wait_for
from psycopg.rows import dict_row
from standins.twilio import Behaviour, TwilioStandIn

from faults.harness.carrier import Carrier
from faults.harness.chaos import SWEEP_SECONDS, Hit
from faults.harness.checker import SLACK_SECONDS, Checker, Finding
from faults.harness.cluster import Cluster
from faults.harness.ledger import Account, Attempt
from faults.harness.person import Person

LEASE_SECONDS = 2
# What makes a run short and certain, and harms nothing while the guards are in place.
HARMLESS = ("faults.broken.often", "faults.broken.slow_claim", "faults.broken.slow_request")
CROWD = 6
# Texts go to a stand-in that behaves until a scene scripts it; what is unknown is looked for
# after one second and after three.
CARRIER = Carrier(looks_seconds=(1, 3), senders=2)


@dataclass(frozen=True, slots=True)
class Run:
    """One guard, taken out.

    Attributes:
        guard: what it is, in words.
        module: the module of this package that takes it out.
        invariant: the one that must notice: `I1` to `I10` of harness/checker.py.
        act: what is done to the cluster.
        words: what it must say.
    """

    guard: str
    module: str
    invariant: str
    act: Callable[[Scene], None]
    words: str

    def found(self, scene: Scene) -> str | None:
        """Return what the invariant has to say about it, or None if it noticed nothing."""
        findings = {each.name: each.broken for each in scene.findings()}
        return next((line for line in findings[self.invariant] if self.words in line), None)


class Scene:
    """A cluster, somebody who uses it, and what was done to it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.person = cluster.person(phone="+12025550123")
        self.hits: list[Hit] = []

    @property
    def stand_in(self) -> TwilioStandIn:
        """Who carries the texts; a scene scripts what it does."""
        assert self.cluster.stand_in is not None
        return self.cluster.stand_in

    def text(self, job_id: str) -> dict[str, Any]:
        """Return the row of a job's text; empty while there is none."""
        with self.cluster.sql() as connection, connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute("select * from notifications where job_id = %s", (job_id,))
            return cursor.fetchone() or {}

    def somebody_else(self) -> Person:
        """Return a person without any job."""
        return self.cluster.person()

    def begun(self, job_id: str, after: int = 0) -> tuple[Attempt, Account]:
        """Wait for an attempt of a job with a fence above `after`."""

        def find() -> tuple[Attempt, Account] | None:
            attempts = self.cluster.ledger.read().items()
            mine = [item for item in attempts if item[0].job_id == job_id]
            return next((item for item in mine if item[0].fence > after), None)

        return wait_for(find, 40, f"an attempt of {job_id} after fence {after}")

    def kill_nodes_of(self, pids: set[int]) -> None:
        """Kill each node in which one of these processes is, as a power cut does."""
        for name in self.cluster.nodes:
            if pids & set(self.cluster.children(name)):
                self.cluster.kill_group(name)

    def status(self, job_id: str) -> str:
        """Return the status of one job."""
        return self.cluster.statuses([job_id])[job_id]

    def ended(self, *job_ids: str) -> bool:
        """Tell whether all of them have."""
        statuses = self.cluster.statuses(job_ids).values()
        return set(statuses) <= {"succeeded", "failed", "cancelled"}

    def asked(self, statement: str, *values: object) -> int:
        """Return the number that a statement finds."""
        with self.cluster.sql() as connection:
            row = connection.execute(statement, values).fetchone()  # type: ignore[arg-type]
            assert row is not None
            return int(row[0])

    def findings(self) -> list[Finding]:
        """Judge everything that was seen."""
        chaos = SimpleNamespace(hits=self.hits)
        return Checker(self.cluster, chaos=chaos, senders_may_live=True).findings()  # type: ignore[arg-type]


def until(condition: Callable[[], object], seconds: float) -> bool:
    """Wait until something is so, but no longer; both are a finding."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())


# Scenes ---------------------------------------------------------------------------------------


def zombie(scene: Scene) -> None:
    """Freeze a process past its lease, and let it go on when another has its job."""
    job_id = scene.person.submit("steady", steps=40, step_seconds=0.1)
    first, account = scene.begun(job_id)
    scene.cluster.kill(account.pid, signal.SIGSTOP)
    scene.begun(job_id, after=first.fence)
    scene.cluster.kill(account.pid, signal.SIGCONT)
    until(lambda: scene.ended(job_id), 30)


def dead_node(scene: Scene) -> None:
    """Kill a node in the middle of a job, and wait as long as a rescue may take."""
    job_id = scene.person.submit("steady", steps=30, step_seconds=0.1)
    attempt, account = scene.begun(job_id)
    scene.kill_nodes_of({account.pid})
    scene.hits.append(_hit("kill_node", attempt))
    until(lambda: scene.ended(job_id), _allowed(scene))


def poison(scene: Scene) -> None:
    """Let a job kill its worker, again and again, until it has failed or done so too often."""
    job_id = scene.person.submit("poison", step_seconds=0.05)

    def deaths() -> int:
        attempts = scene.cluster.ledger.read()
        return sum(one.poisoned for attempt, one in attempts.items() if attempt.job_id == job_id)

    until(lambda: deaths() > 3 or scene.ended(job_id), 60)


def end_and_text(scene: Scene) -> None:
    """Kill a process as soon as its job is seen to have succeeded."""
    job_id = scene.person.submit("steady", steps=3, step_seconds=0.1, notify="sms")
    _, account = scene.begun(job_id)
    wait_for(lambda: scene.status(job_id) == "succeeded", 30, "the end of a job")
    scene.cluster.kill(account.pid)
    rows = "select count(*) from notifications where job_id = %s"
    if until(lambda: scene.asked(rows, job_id), 3):
        until(lambda: scene.asked(rows + " and status in ('sent', 'delivered')", job_id), 20)


def lively(scene: Scene) -> None:
    """Run a job for longer than its lease, with a worker that is well."""
    job_id = scene.person.submit("steady", steps=40, step_seconds=0.1)
    taken = "select count(*) from audit where job_id = %s and role = 'textback_operator'"
    until(lambda: scene.ended(job_id) or scene.asked(taken, job_id), 40)


def locked_row(scene: Scene) -> None:
    """Kill the workers of two jobs while somebody holds the row of one for a long time."""
    held = scene.person.submit("steady", steps=30, step_seconds=0.1)
    _, holder = scene.begun(held)
    with _locked(scene.cluster, held):
        # Nobody renews its lease any more, so that it lapses before the other one's.
        free = scene.person.submit("steady", steps=30, step_seconds=0.1)
        attempt, account = scene.begun(free)
        scene.kill_nodes_of({holder.pid, account.pid})
        scene.hits.append(_hit("kill_node", attempt))
        moves = (
            "select count(*) from audit"
            " where job_id = %s and old_status = 'running' and new_fence > %s"
        )
        until(lambda: scene.asked(moves, free, attempt.fence), _allowed(scene) + 2)
    until(lambda: scene.ended(held, free), 40)


def crowd(scene: Scene) -> None:
    """Give every waiting job of one person its turn at once, as the former release did."""
    person = scene.somebody_else()
    for name in scene.cluster.nodes:
        scene.cluster.kill_group(name, signal.SIGSTOP)
    jobs = [person.submit("steady", steps=10, step_seconds=0.1) for _ in range(CROWD)]
    with scene.cluster.sql() as connection:
        connection.execute(
            "update jobs set dispatched_at = now() - interval '1 minute',"
            " hinted_at = now() - interval '1 minute'"
            " where id = any(%s::uuid[]) and dispatched_at is null",
            (jobs,),
        )
    # The sweep hints at those; each frozen node has one of the messages in its socket already.
    old = "select count(*) from jobs where owner_id = %s and hinted_at < now() - interval '30 s'"
    until(lambda: not scene.asked(old, person.id), 15)
    with scene.cluster.redis() as valkey:
        until(lambda: valkey.llen("interactive") >= CROWD - len(scene.cluster.nodes), 5)
    for name in scene.cluster.nodes:
        scene.cluster.kill_group(name, signal.SIGCONT)
    until(lambda: scene.ended(*jobs), 60)


def lost_reply(scene: Scene) -> None:
    """Let the carrier take a text and never say so, and wait until its fate is settled."""
    scene.stand_in.script(Behaviour("close", accepts=True, callbacks="never"))
    job_id = scene.person.submit("steady", steps=1, notify="sms")
    settled = ("sent", "delivered", "needs_review")
    until(lambda: scene.text(job_id).get("status") in settled, 40)
    until(lambda: len(scene.stand_in.accepted()) > 1, 2)


def frozen_sender(scene: Scene) -> None:
    """Freeze a sender between guard and request till its text is settled, and let it go on."""
    stands_still = scene.cluster.folder / "stands-still"
    stands_still.touch()
    job_id = scene.person.submit("steady", steps=1, notify="sms")
    stood_still = stands_still.with_name("stood-still")
    wait_for(stood_still.exists, 40, "a sender that stands still")
    settled = ("sent", "delivered", "needs_review")
    until(lambda: scene.text(job_id).get("status") in settled, 40)
    before = len(scene.stand_in.accepted())
    for name in scene.cluster.senders:
        scene.cluster.kill(scene.cluster.pid(name), signal.SIGCONT)
    until(lambda: len(scene.stand_in.accepted()) > before, 20)
    stood_still.unlink()


RUNS = (
    Run("the fence", "no_fence", "I4", zombie, "at fence 3 was written by 1"),
    Run("the sweeps", "no_sweep", "I1", dead_node, "steady is running"),
    Run("attempts counted at the claim", "counted_at_end", "I1", poison, "killed 4 workers"),
    Run("one transaction for end and text", "two_transactions", "I5", end_and_text, "has no text"),
    Run("looking before sending again", "blind_resend", "I5", lost_reply, "2 texts"),
    Run("the proof of a sender's death", "no_proof", "I5", frozen_sender, "2 texts"),
    Run("the lease in the rescue", "impatient_rescue", "I10", lively, "before its lease lapsed"),
    Run("skip locked in the sweep", "waits_for_locks", "I8", locked_row, "after kill_node"),
    Run("the owner's lock under the cap", "cap_without_lock", "I9", crowd, "of 2 allowed"),
)


@contextmanager
def staged(folder: Path, *broken: str) -> Iterator[Scene]:
    """Start a cluster without some of its guards."""
    patches = [*HARMLESS, *(f"faults.broken.{module}" for module in broken)]
    with Cluster(
        folder, lease_seconds=LEASE_SECONDS, nodes=3, patches=patches, carrier=CARRIER
    ) as cluster:
        yield Scene(cluster)


def _hit(what: str, attempt: Attempt) -> Hit:
    now = time.time()
    return Hit(what, "the node of a job", now, now, (attempt,))


def _allowed(scene: Scene) -> float:
    """Return how long a rescue may take by I8."""
    return scene.cluster.lease_seconds + 2 * SWEEP_SECONDS + SLACK_SECONDS


@contextmanager
def _locked(cluster: Cluster, job_id: str) -> Iterator[None]:
    with cluster.sql() as connection, contextlib.ExitStack() as stack:
        stack.enter_context(connection.transaction())
        connection.execute("select from jobs where id = %s for update", (job_id,))
        yield
