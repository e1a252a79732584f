"""The chaos: faults in an order drawn from a seed, each due when so many jobs are accepted."""

from __future__ import annotations

import json
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
from processes import is_alive, wait_for

from faults.harness.cluster import Cluster, children_of
from faults.harness.ledger import Attempt
from faults.harness.person import Person

SWEEP_SECONDS = 5.0
FIND_SECONDS = 20
SENDER_FIND_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that will go wrong.

    Attributes:
        what: the name of a method of Chaos.
        at: how many jobs have been accepted by then.
        choice: 0 to 1; picks the victim among those there are.
    """

    what: str
    at: int
    choice: float


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that went wrong.

    Attributes:
        what: which fault.
        target: what it hit, in words.
        at: when, in seconds since the epoch.
        until: when it was over, for what lasts.
        attempts: the running attempts it cut short or held up.
    """

    what: str
    target: str
    at: float
    until: float
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class _Frozen:
    """What stands still, until when at the latest, and whether it wakes to meet its successor."""

    until: float
    hit: Hit
    pids: list[int]
    wakes_to_meet: bool


def plan_chaos(rng: random.Random, jobs: int, kills: int) -> list[Fault]:
    """Draw the faults of a run: `kills` kill -9 of workers, and the rest in proportion."""
    share = kills / 200
    counts = {
        "kill_child": kills - round(kills * 0.25),
        "kill_node": round(kills * 0.25),
        "kill_any": max(2, round(40 * share)),
        "freeze_child": max(2, round(30 * share)),
        "freeze_node": max(1, round(10 * share)),
        "stop_node": max(1, round(10 * share)),
        "kill_web": max(1, round(6 * share)),
        "kill_beat": max(1, round(4 * share)),
        "kill_maintenance": max(1, round(4 * share)),
        "kill_sender": max(4, round(40 * share)),
        "freeze_sender": max(2, round(12 * share)),
        "stop_sender": max(2, round(12 * share)),
        "opt_out": max(2, round(8 * share)),
        "restart_postgres": max(1, round(5 * share)),
        "kill_valkey": max(1, round(3 * share)),
        "flush_valkey": max(1, round(2 * share)),
    }
    whats = [what for what, count in counts.items() for _ in range(count)]
    rng.shuffle(whats)
    # From the first jobs to the last: nothing is there to be hit before, and after it nothing left.
    first, last = 0.02 * jobs, 0.97 * jobs
    times = sorted(rng.uniform(first, last) for _ in whats)
    return [Fault(what, int(at), rng.random()) for what, at in zip(whats, times, strict=True)]


@dataclass
class Chaos:
    """Does the faults one after the other, from the main thread.

    Attributes:
        people: who ask; some of them will have enough of texts.
        hits: what was done.
        kills: how many kill -9 of workers hit while jobs ran in them.
        due_at: the number of accepted jobs at which the next fault is due.
        senders_hit: how many faults of senders hit one with a text in its hands.
    """

    cluster: Cluster
    faults: list[Fault]
    accepted: Callable[[], int]
    log: Path
    deadline: float
    people: Sequence[Person] = ()
    hits: list[Hit] = field(default_factory=list)
    kills: int = 0
    missed: int = 0
    due_at: float = 0
    senders_hit: int = 0
    _frozen: list[_Frozen] = field(default_factory=list)

    def run(self, keep_going: Callable[[], bool]) -> None:
        """Do all faults, each when it is due; end early when `keep_going` says so."""
        for fault in self.faults:
            self.due_at = fault.at
            while self.accepted() < fault.at:
                if not keep_going() or time.monotonic() > self.deadline:
                    return
                self.thaw()
                time.sleep(0.02)
            self.thaw()
            getattr(self, f"_{fault.what}")(fault)
        self.due_at = float("inf")

    def thaw(self, *, all_of_them: bool = False) -> None:
        """Let go on what has been frozen for long enough.

        Most wake up as soon as somebody else works on their job: two then believe it is theirs.
        """
        if not self._frozen:
            return
        running = {attempt.job_id: attempt.fence for attempt in self.cluster.ledger.open_attempts()}
        for item in list(self._frozen):
            is_meeting = item.wakes_to_meet and any(
                running.get(attempt.job_id, 0) > attempt.fence for attempt in item.hit.attempts
            )
            if all_of_them or is_meeting or time.time() >= item.until:
                self._frozen.remove(item)
                for pid in item.pids:
                    self.cluster.kill(pid, signal.SIGCONT)
                self._note(replace(item.hit, until=time.time()))

    @property
    def is_frozen(self) -> bool:
        """Whether something still stands still."""
        return bool(self._frozen)

    def counts(self) -> Counter[str]:
        """Return how often each fault was done."""
        return Counter(hit.what for hit in self.hits)

    def _kill_child(self, fault: Fault) -> None:
        """Kill one process in which a job runs."""

        def strike() -> Hit | None:
            victims = self._victims()
            if not victims:
                return None
            pid, attempts = _pick(sorted(victims.items()), fault.choice)
            self.cluster.kill(pid)
            return self._after_kill(fault, f"child {pid}", attempts)

        self._until_hit(strike)

    def _kill_any(self, fault: Fault) -> None:
        """Kill a worker's process whatever it does: claiming, finishing or nothing."""

        def strike() -> Hit | None:
            nodes = self._running_nodes()
            children = [pid for name in nodes for pid in self.cluster.children(name)]
            if not children:
                return None
            pid = _pick(children, fault.choice)
            self.cluster.kill(pid)
            at = time.time()
            return Hit(fault.what, f"child {pid}", at, at)

        self._until_hit(strike)

    def _kill_node(self, fault: Fault) -> None:
        """Kill a whole node in which jobs run; its children die with it."""

        def strike() -> Hit | None:
            nodes = self._busy_nodes()
            if not nodes:
                return None
            name, attempts = _pick(sorted(nodes.items()), fault.choice)
            if fault.choice * 1000 % 2 < 1:
                self.cluster.kill_group(name)
            elif pid := self.cluster.nursery.pid(name):
                self.cluster.kill(pid)
            return self._after_kill(fault, name, attempts)

        self._until_hit(strike)

    def _after_kill(self, fault: Fault, target: str, attempts: list[Attempt]) -> Hit | None:
        """Return the hit, unless every job there had left its kind at the last moment."""
        at = time.time()
        accounts = self.cluster.ledger.read()
        pids = {accounts[attempt].pid for attempt in attempts}
        wait_for(lambda: not any(is_alive(pid) for pid in pids), 10, f"the death of {pids}")
        accounts = self.cluster.ledger.read()
        cut = [attempt for attempt in attempts if not accounts[attempt].left]
        hit = Hit(fault.what, target, at, at, tuple(cut))
        if not cut:
            self.missed += 1
            return None
        self.kills += 1
        return hit

    def _freeze_child(self, fault: Fault) -> None:
        """Stop one process in which a job runs, until its job has long been given away."""

        def strike() -> Hit | None:
            victims = self._victims()
            if not victims:
                return None
            pid, attempts = _pick(sorted(victims.items()), fault.choice)
            return self._freeze(fault, f"child {pid}", [pid], attempts)

        self._until_hit(strike)

    def _freeze_node(self, fault: Fault) -> None:
        """Stop a whole node."""

        def strike() -> Hit | None:
            if not (found := self._pick_node(fault)):
                return None
            name, pid, attempts = found
            return self._freeze(fault, name, [pid, *children_of(pid)], attempts)

        self._until_hit(strike)

    def _freeze(
        self, fault: Fault, target: str, pids: list[int], attempts: list[Attempt]
    ) -> Hit | None:
        for pid in pids:
            self.cluster.kill(pid, signal.SIGSTOP)
        at = time.time()
        accounts = self.cluster.ledger.read()
        held = tuple(attempt for attempt in attempts if not accounts[attempt].left)
        if not held:
            for pid in pids:
                self.cluster.kill(pid, signal.SIGCONT)
            self.missed += 1
            return None
        # Past the lease and the sweeps after it, so that it wakes to a job that is another's.
        length = self.cluster.lease_seconds + 1.5 * SWEEP_SECONDS + 2 * fault.choice
        hit = Hit(fault.what, target, at, 0, held)
        wakes_to_meet = fault.choice * 1000 % 10 < 7
        self._frozen.append(_Frozen(at + length, hit, pids, wakes_to_meet=wakes_to_meet))
        return Hit("", "", at, at)  # noted when it is let go

    def _stop_node(self, fault: Fault) -> None:
        """Ask a node in which jobs run to stop, as a deployment does."""

        def strike() -> Hit | None:
            if not (found := self._pick_node(fault)):
                return None
            name, pid, attempts = found
            self.cluster.kill(pid, signal.SIGTERM)
            at = time.time()
            return Hit(fault.what, name, at, at, tuple(attempts))

        self._until_hit(strike)

    def _kill_web(self, fault: Fault) -> None:
        name = _pick(self.cluster.webs, fault.choice)
        self._kill_process(fault, name, at_once=fault.choice * 1000 % 2 < 1)

    def _kill_beat(self, fault: Fault) -> None:
        self._kill_process(fault, "beat")

    def _kill_maintenance(self, fault: Fault) -> None:
        self._kill_process(fault, "maintenance")

    def _kill_sender(self, fault: Fault) -> None:
        """Kill a process that sends texts, with a text in its hands if there is one."""
        name = self._find_sender(fault)
        self.cluster.kill_group(name)
        at = time.time()
        self._note(Hit(fault.what, name, at, at))

    def _stop_sender(self, fault: Fault) -> None:
        """Ask it to stop, as a deployment does."""
        name = self._find_sender(fault)
        if pid := self.cluster.nursery.pid(name):
            self.cluster.kill(pid, signal.SIGTERM)
        at = time.time()
        self._note(Hit(fault.what, name, at, at))

    def _freeze_sender(self, fault: Fault) -> None:
        """Stop it until its text has been looked for, and longer."""
        name = self._find_sender(fault)
        pid = self.cluster.nursery.pid(name)
        if pid is None:
            self._note(Hit(fault.what, name, time.time(), time.time()))
            return
        pids = [pid, *children_of(pid)]
        for each in pids:
            self.cluster.kill(each, signal.SIGSTOP)
        at = time.time()
        settings = self.cluster.settings
        # Past its lease and the first look, or past all looks.
        looks = settings.look_seconds[fault.choice * 1000 % 2 < 1]
        length = settings.text_lease_seconds + looks + SWEEP_SECONDS + 2 * fault.choice
        self._frozen.append(_Frozen(at + length, Hit(fault.what, name, at, 0), pids, False))

    def _find_sender(self, fault: Fault) -> str:
        """Return a sender, of those with a text in their hands within the next seconds."""
        frozen = {item.hit.target for item in self._frozen}
        senders = [name for name in self.cluster.senders if name not in frozen]
        senders = senders or self.cluster.senders
        deadline = time.monotonic() + SENDER_FIND_SECONDS
        while time.monotonic() < deadline:
            pids = {self.cluster.nursery.pid(name): name for name in senders}
            for holder in self._holders():
                for number in re.findall(r"\d+", holder):
                    if name := pids.get(int(number)):
                        self.senders_hit += 1
                        return name
            self.thaw()
            time.sleep(0.005)
        return str(_pick(senders, fault.choice))

    def _holders(self) -> list[str]:
        """Return who has a text in hand."""
        try:
            with self.cluster.sql() as connection:
                rows = connection.execute(
                    "select coalesce(holder, '') from notifications"
                    " where status = 'sending' and lease_until > clock_timestamp()"
                )
                return [row[0] for row in rows]
        except psycopg.Error:
            return []

    def _kill_process(self, fault: Fault, name: str, *, at_once: bool = True) -> None:
        if at_once:
            self.cluster.kill_group(name)
        elif children := self.cluster.children(name):
            self.cluster.kill(_pick(children, fault.choice))
        at = time.time()
        self._note(Hit(fault.what, name, at, at))

    def _opt_out(self, fault: Fault) -> None:
        """Let somebody who asks for much want no more texts."""
        at = time.time()
        person = _pick(self.people, fault.choice**2)  # the first ask for the most
        self.cluster.opt_out(person)
        self._note(Hit(fault.what, str(person.id), at, time.time()))

    def _restart_postgres(self, fault: Fault) -> None:
        at = time.time()
        self.cluster.restart_postgres()
        self._note(Hit(fault.what, "postgres", at, time.time()))

    def _kill_valkey(self, fault: Fault) -> None:
        at = time.time()
        self.cluster.kill_valkey()
        time.sleep(3 * fault.choice)
        self.cluster.start_valkey()
        self._note(Hit(fault.what, "valkey", at, time.time()))

    def _flush_valkey(self, fault: Fault) -> None:
        at = time.time()
        with self.cluster.redis() as client:
            client.flushall()
        self._note(Hit(fault.what, "valkey", at, at))

    def _victims(self) -> dict[int, list[Attempt]]:
        """Return the processes in which a job runs now.

        Only children of our nodes: the ledger also names dead ones, and the number of a dead one
        may be that of anybody's process by now.
        """
        ours = {pid for name in self.cluster.nodes for pid in self.cluster.children(name)}
        frozen = {pid for item in self._frozen for pid in item.pids}
        found: dict[int, list[Attempt]] = {}
        for attempt, account in self.cluster.ledger.open_attempts().items():
            is_free = account.pid in ours and account.pid not in frozen
            if is_free and not account.poisoned and is_alive(account.pid):
                found.setdefault(account.pid, []).append(attempt)
        return found

    def _pick_node(self, fault: Fault) -> tuple[str, int, list[Attempt]] | None:
        """Return a node in which jobs run, its main process and those jobs."""
        nodes = self._busy_nodes()
        if not nodes:
            return None
        name, attempts = _pick(sorted(nodes.items()), fault.choice)
        pid = self.cluster.nursery.pid(name)
        return None if pid is None else (name, pid, attempts)

    def _busy_nodes(self) -> dict[str, list[Attempt]]:
        victims = self._victims()
        found: dict[str, list[Attempt]] = {}
        for name in self._running_nodes():
            for pid in self.cluster.children(name):
                if pid in victims:
                    found.setdefault(name, []).extend(victims[pid])
        return found

    def _running_nodes(self) -> list[str]:
        frozen = {item.hit.target for item in self._frozen}
        return [name for name in self.cluster.nodes if name not in frozen]

    def _until_hit(self, strike: Callable[[], Hit | None]) -> None:
        """Strike until something was hit; jobs end all the time."""
        deadline = time.monotonic() + FIND_SECONDS
        while time.monotonic() < min(deadline, self.deadline):
            hit = strike()
            if hit is not None:
                if hit.what:
                    self._note(hit)
                return
            self.thaw()
            time.sleep(0.01)

    def _note(self, hit: Hit) -> None:
        self.hits.append(hit)
        line: dict[str, Any] = {
            "at": hit.at,
            "until": hit.until,
            "what": hit.what,
            "target": hit.target,
            "attempts": [f"{attempt.job_id}/{attempt.fence}" for attempt in hit.attempts],
        }
        with self.log.open("a") as log:
            log.write(json.dumps(line) + "\n")


def _pick(items: Any, choice: float) -> Any:
    return items[int(choice * len(items))]
