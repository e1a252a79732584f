"""One random run: start, load, chaos, settle, check, report."""

from __future__ import annotations

import hashlib
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from processes import wait_for
from standins.twilio import Behaviour

from faults.harness.carrier import Carrier
from faults.harness.chaos import SWEEP_SECONDS, Chaos, plan_chaos
from faults.harness.checker import SHOWN, Checker, Finding, Recovery, percentile
from faults.harness.cluster import Cluster
from faults.harness.load import Load, plan_load

PHONE: Final = "+120255501{:02}"  # 555-01xx belongs to nobody: kept free for fiction


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does.

    Attributes:
        jobs: how many are submitted.
        kills: how many kill -9 of workers must hit while jobs run in them.
        seed: decides load and faults.
        lease_seconds: LEASE_SECONDS of the workers.
        nodes: worker nodes for jobs.
        concurrency: processes of each.
        webs: web processes.
        persons: who submit.
        most_running: RUNNING_JOBS_PER_PERSON.
        deadline_seconds: after this it ends and has failed.
        broken: a guard to take out; see Cluster.
        keep: keep the folder of a good run too.
        texts: `twilio`: to a stand-in that misbehaves; `console`: into a file.
    """

    jobs: int
    kills: int
    seed: int
    lease_seconds: float = 3
    nodes: int = 4
    concurrency: int = 3
    webs: int = 2
    persons: int = 40
    most_running: int = 3
    deadline_seconds: float = 600
    broken: str | None = None
    keep: bool = False
    texts: Literal["twilio", "console"] = "twilio"

    @property
    def most_outstanding(self) -> int:
        """How many jobs wait or run at once: enough that there is a queue."""
        return 8 * self.nodes * self.concurrency


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found."""

    findings: list[Finding]
    kills: int
    seconds: float

    @property
    def is_good(self) -> bool:
        """Whether everything held."""
        return all(finding.holds for finding in self.findings)


def run(plan: Plan, say: Callable[[str], None] = print) -> Outcome:
    """Do one run and say what it found."""
    folder = Path(tempfile.mkdtemp(prefix="textback-faults-"))
    began = time.monotonic()
    say(f"seed {plan.seed}, {plan.jobs} jobs, {plan.kills} kills, lease {plan.lease_seconds:g} s")
    carrier = Carrier(seed=plan.seed)
    cluster = Cluster(
        folder,
        lease_seconds=plan.lease_seconds,
        nodes=plan.nodes,
        concurrency=plan.concurrency,
        webs=plan.webs,
        broken=plan.broken,
        environment={"RUNNING_JOBS_PER_PERSON": str(plan.most_running), **carrier.waits},
        carrier=carrier if plan.texts == "twilio" else None,
    )
    good = False
    try:
        with cluster:
            outcome = _run(cluster, plan, began, say)
            good = outcome.is_good
            return outcome
    finally:
        if good and not plan.keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            say(f"logs, database and ledger: {folder}")


def _run(cluster: Cluster, plan: Plan, began: float, say: Callable[[str], None]) -> Outcome:
    deadline = began + plan.deadline_seconds
    _say_settings(cluster, plan, say)
    requests = plan_load(random.Random(plan.seed), plan.jobs, plan.persons)
    faults = plan_chaos(random.Random(plan.seed + 1), plan.jobs, plan.kills)
    digest = hashlib.sha256(repr((requests, faults)).encode()).hexdigest()[:12]
    people = [cluster.person(phone=PHONE.format(n)) for n in range(plan.persons)]
    say(f"up after {time.monotonic() - began:.1f} s; {len(faults)} faults, plan {digest}")
    chaos = Chaos(
        cluster,
        faults,
        accepted=lambda: len(load.accepted),
        log=cluster.folder / "chaos.jsonl",
        deadline=deadline,
        people=people,
    )
    # The load waits for the chaos as the chaos does for the load, so that each fault meets its job.
    ahead = max(20, plan.jobs // 50)
    load = Load(
        cluster,
        people,
        requests,
        most_outstanding=plan.most_outstanding,
        may_send=lambda number: number < chaos.due_at + ahead,
    )
    watch = _Watch(cluster, load)
    watch.start()
    loading_began = time.monotonic()
    load.start()
    chaos.run(keep_going=lambda: not load.is_done())
    say(f"{len(chaos.hits)} faults done after {time.monotonic() - began:.0f} s")
    _settle(cluster, chaos, load, deadline)
    settled = time.monotonic()
    watch.stop()
    load.stop()
    checker = Checker(cluster, load.accepted, chaos)
    findings = checker.findings(people)
    findings.append(_run_itself(chaos, load, plan, findings))
    seconds = time.monotonic() - began
    _report(checker, chaos, load, findings, settled - loading_began, say)
    verdict = "GOOD" if all(finding.holds for finding in findings) else "BROKEN"
    say(f"verdict: {verdict}, {seconds:.0f} s in all; again with {_command(plan)}")
    return Outcome(findings, chaos.kills, seconds)


class _Watch(threading.Thread):
    """Counts what is not yet ended, so that the load keeps a queue of a steady length."""

    def __init__(self, cluster: Cluster, load: Load) -> None:
        super().__init__(name="watch", daemon=True)
        self._cluster = cluster
        self._load = load
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        self.join(10)

    def run(self) -> None:
        """Look four times a second; Postgres may be away."""
        while not self._stopping.wait(0.25):
            try:
                with self._cluster.sql() as connection:
                    row = connection.execute(
                        "select count(*) from jobs where status in ('queued', 'running')"
                    ).fetchone()
            except Exception:  # noqa: BLE001 - it is broken on purpose
                continue
            if row is not None:
                self._load.outstanding = row[0]


def _settle(cluster: Cluster, chaos: Chaos, load: Load, deadline: float) -> None:
    """Wait until everything accepted has ended and every text is settled, or time is up."""
    while (chaos.is_frozen or not load.is_done()) and time.monotonic() < deadline:
        chaos.thaw()
        time.sleep(0.05)
    chaos.thaw(all_of_them=True)
    if cluster.stand_in is not None:  # no new faults from here on, so that it comes to rest
        cluster.stand_in.otherwise(Behaviour())

    def is_quiet() -> bool:
        with cluster.sql() as connection:
            row = connection.execute(
                "select (select count(*) from jobs where status in ('queued', 'running')),"
                " (select count(*) from notifications"
                "  where status in ('queued', 'sending', 'unknown'))"
            ).fetchone()
        return row == (0, 0)

    try:
        wait_for(is_quiet, max(0, deadline - time.monotonic()), "all jobs and texts")
    except AssertionError:
        return  # the checker tells what is left


def _run_itself(chaos: Chaos, load: Load, plan: Plan, findings: list[Finding]) -> Finding:
    """Tell whether the run did what it was to do; else its figures say nothing."""
    broken = [f"a request failed: {error}" for error in load.errors]
    broken += [f"two requests were given the same job {job_id}" for job_id in load.doubled]
    if len(load.accepted) < plan.jobs:
        broken.append(f"{len(load.accepted)} jobs accepted of {plan.jobs}")
    if chaos.kills < plan.kills:
        broken.append(f"{chaos.kills} kills of {plan.kills} hit running jobs")
    planned, done = Counter(fault.what for fault in chaos.faults), chaos.counts()
    broken += [f"{what}: {done[what]} of {planned[what]}" for what in planned - done]
    broken += [
        f"{finding.name} had nothing to look at" for finding in findings if not finding.checked
    ]
    return Finding("run", "all jobs accepted, all faults done", plan.jobs, broken)


def _say_settings(cluster: Cluster, plan: Plan, say: Callable[[str], None]) -> None:
    with cluster.sql() as connection:
        shown = [
            f"{name}={connection.execute(f'show {name}').fetchone()[0]}"  # type: ignore[index]
            for name in ("fsync", "synchronous_commit", "full_page_writes", "server_version")
        ]
    say(
        f"{plan.nodes} nodes of {plan.concurrency} processes, {plan.webs} web processes, "
        f"{plan.persons} persons with at most {plan.most_running} running each, "
        f"sweeps every {SWEEP_SECONDS:g} s; Postgres {', '.join(shown)}; "
        f"Valkey {cluster.valkey.version} appendfsync=everysec"
        + (f"; {cluster.carrier}" if cluster.carrier else "; texts into a file")
        + (f"; BROKEN ON PURPOSE: {plan.broken}" if plan.broken else "")
    )


def _report(
    checker: Checker,
    chaos: Chaos,
    load: Load,
    findings: list[Finding],
    seconds: float,
    say: Callable[[str], None],
) -> None:
    jobs = len(load.accepted)
    ended = ", ".join(f"{count} {status}" for status, count in checker.statuses().most_common())
    say(f"jobs      {jobs} accepted, {ended}; {jobs / seconds:.1f} jobs/s over {seconds:.0f} s")
    say(
        f"attempts  {checker.claims()} claims, {checker.run_again()} of them again, "
        f"{checker.woke_up_late()} attempts woke up after their job was another's"
    )
    steps, again = checker.steps_done()
    say(f"work      {steps} steps with a checkpoint after each, {again} of them done again")
    faults = ", ".join(f"{count} {what}" for what, count in chaos.counts().most_common())
    say(f"faults    {faults}; {chaos.kills} kill -9 hit running jobs, {chaos.missed} missed")
    answers = ", ".join(f"{count} x {status}" for status, count in sorted(load.answers.items()))
    say(f"submits   {answers} (0: none; 422: opted out), slowest {load.slowest_answer:.1f} s")
    _say_texts(checker, chaos, say)
    _say_recovery("kill", checker.after_kill, say)
    _say_recovery("freeze", checker.after_freeze, say)
    _say_recovery("stop", checker.after_stop, say)
    if all(finding.holds for finding in findings):
        say(f"bound     0 of {jobs} supports: below {300 / max(jobs, 1):.3g} % (3/N, 95 %)")
    for finding in findings:
        mark = "holds " if finding.holds else "BROKEN"
        say(f"{finding.name:4} {mark} {len(finding.broken):5} of {finding.checked}: {finding.what}")
        for line in finding.broken[:SHOWN]:
            say(f"       {line}")


def _say_texts(checker: Checker, chaos: Chaos, say: Callable[[str], None]) -> None:
    texts = checker.texts
    none = ", ".join(f"{count} {why}" for why, count in texts.none.most_common()) or "no other"
    say(
        f"texts     {texts.sent} taken by the carrier; not one for {none}; {texts.resent} sent "
        f"once more after proof; {chaos.senders_hit} faults hit a sender with a text in its hands"
    )
    moods = ", ".join(f"{count} {mood}" for mood, count in texts.carried.moods.most_common())
    if moods:
        say(f"carrier   {moods}")
    for what, count in texts.held.most_common():
        say(f"held      {count} {what}")


def _say_recovery(name: str, recovery: Recovery, say: Callable[[str], None]) -> None:
    for what, values in (("back", recovery.back), ("claimed", recovery.claimed)):
        if not values:
            say(f"recovery  {what} after a {name}: none was needed")
            continue
        say(
            f"recovery  {what} after a {name}: p50 {percentile(values, 50):.1f} s, "
            f"p99 {percentile(values, 99):.1f} s, longest {max(values):.1f} s "
            f"({len(values)})"
        )


def _command(plan: Plan) -> str:
    return (
        f"make faults JOBS={plan.jobs} KILLS={plan.kills} SEED={plan.seed} "
        f"LEASE={plan.lease_seconds:g}"
    )
