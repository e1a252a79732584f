"""The one checker: reads database, audit, ledger and texts after a run and judges I1 to I11."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

from standins.twilio import read_ledger

from faults.harness.chaos import SWEEP_SECONDS, Chaos, Hit
from faults.harness.cluster import Cluster
from faults.harness.ledger import Account, Attempt
from faults.harness.load import Request
from faults.harness.person import NoAnswerError, Person
from faults.harness.texts import Carried, TextJudge, reported_ends

FINAL = ("succeeded", "failed", "cancelled")
EXPECTED = {
    "steady": "succeeded",
    "wobbly": "succeeded",
    "hopeless_case": "failed",
    "poison": "failed",
}
# What a process may take from a due moment to its write, on a machine that is busy with the run.
SLACK_SECONDS = 3.0
STOP_SECONDS = 10.0  # a stopped node gives its jobs back at once, and once more before its end
# Each leaves at most one text of which nobody knows whether it went out.
LOSE_A_SENDER = ("kill_sender", "freeze_sender", "restart_postgres")
SAMPLE = 40
_NOT_SETTLED = ("sending", "unknown")
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one invariant.

    Attributes:
        name: `I1` to `I11`.
        what: the promise.
        checked: how many things were looked at.
        broken: what was found against it, in words; empty when it holds.
    """

    name: str
    what: str
    checked: int
    broken: list[str]

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.broken


@dataclass(frozen=True, slots=True)
class Move:
    """One change of a job's status, as the audit saw it; times in seconds since the epoch."""

    at: float
    role: str
    old: str | None
    new: str
    old_fence: int
    new_fence: int
    attempt: int
    old_lease_until: float | None


@dataclass
class Recovery:
    """How long jobs whose attempt was cut short were without a worker, in seconds.

    Attributes:
        back: from the fault until the job was in the queue again (or had ended).
        claimed: from the fault until another worker had it.
    """

    back: list[float] = field(default_factory=list)
    claimed: list[float] = field(default_factory=list)


class Checker:
    """Reads everything once, then judges."""

    def __init__(
        self,
        cluster: Cluster,
        accepted: Mapping[str, Request] | None = None,
        chaos: Chaos | None = None,
        *,
        senders_may_live: bool = False,
    ) -> None:
        """Read the run.

        Args:
            cluster: still up.
            accepted: job id → what was asked for; None for every job there is, expecting no end
                in particular.
            chaos: what was done to it.
            senders_may_live: nobody waited until the leases of lost senders had lapsed, so a text
                may still count as being sent.
        """
        self._cluster = cluster
        self._senders_may_live = senders_may_live
        self._hits: Sequence[Hit] = chaos.hits if chaos else ()
        self.jobs = {row["id"]: row for row in self._rows(_JOBS)}
        self.accepted = accepted
        self.moves: dict[str, list[Move]] = defaultdict(list)
        for row in self._rows(_MOVES):
            self.moves[row.pop("job_id")].append(Move(**row))
        # After the rows: jobs may still be ending, and what an attempt says comes before its row.
        self.attempts = cluster.ledger.read()
        self.after_kill = Recovery()
        self.after_freeze = Recovery()
        self.after_stop = Recovery()
        self.texts: TextJudge

    def findings(self, people: Sequence[Person] = ()) -> list[Finding]:
        """Judge every invariant; `people` look into each other's jobs."""
        return [
            self.every_job_ended(),
            self.completed_once(),
            self.ends_stand(),
            self.no_late_write(),
            self.one_text_each(),
            *([self.nothing_of_others(people)] if len(people) > 1 else []),
            self.progress_never_falls(),
            self.recovered_in_time(),
            self.cap_kept(),
            self.no_early_rescue(),
            *([self.reports_stand()] if self._cluster.stand_in else []),
        ]

    # -- the invariants -------------------------------------------------------------------------

    def every_job_ended(self) -> Finding:
        """I1: whatever was accepted is there, and has ended as its kind says."""
        broken = []
        ids = self.jobs if self.accepted is None else self.accepted
        for job_id in ids:
            job = self.jobs.get(job_id)
            if job is None:
                broken.append(f"{job_id} was accepted and is not there")
            elif job["status"] not in FINAL:
                broken.append(f"{job_id} {job['kind']} is {job['status']} {self._story(job_id)}")
            elif self.accepted is not None:
                asked = self.accepted[job_id].params.get("label", job["label"])
                if asked != job["label"]:
                    broken.append(f"request {asked} was answered with the job of {job['label']}")
        for job_id, job in self.jobs.items():  # also those whose acceptance was lost on its way
            expected = EXPECTED.get(job["kind"])
            was_cancelled = job["status"] == "cancelled" and job["cancel_requested"]
            if job["status"] in FINAL and expected not in (None, job["status"]):
                if not was_cancelled:
                    broken.append(
                        f"{job_id} {job['kind']} ended {job['status']} ({job['error_code']}) after"
                        f" {job['attempt']} attempts {self._story(job_id)}"
                    )
            elif job["status"] not in FINAL and self.accepted is not None and job_id not in ids:
                broken.append(f"{job_id}, never acknowledged, is {job['status']}")
        poisoned = Counter(
            attempt.job_id
            for attempt, account in self.attempts.items()
            if account.poisoned and not self._was_handed_back(attempt, account)
        )
        broken += [
            f"{job_id} killed {count} workers, of {self.jobs[job_id]['max_attempts']} it may"
            for job_id, count in poisoned.items()
            if job_id in self.jobs and count > self.jobs[job_id]["max_attempts"]
        ]
        if self.accepted is not None:
            labels = Counter(job["label"] for job in self.jobs.values())
            broken += [
                f"request {label} made {count} jobs" for label, count in labels.items() if count > 1
            ]
        return Finding("I1", "every accepted job ended, as its kind says", len(ids), broken)

    def completed_once(self) -> Finding:
        """I2: one end, one event of it, and the answer of an attempt that did all the work."""
        broken = [
            f"{row['job_id']} is {row['status']} and was seen to complete {row['count']} times"
            for row in self._rows(_COMPLETIONS)
            if row["count"] != (row["status"] in FINAL)
        ]
        broken += [
            f"{row['job_id']} has {row['count']} events of its end"
            for row in self._rows(_END_EVENTS)
            if row["count"] != 1
        ]
        for job_id, job in self.jobs.items():
            if job["status"] == "succeeded" and job["signed"] is not None:
                account = self.attempts.get(Attempt(job_id, job["signed"]))
                if account is None or not account.ended:
                    broken.append(f"{job_id} holds the answer of an attempt that did not end")
                elif job["signed"] != job["fence"]:
                    broken.append(f"{job_id} at fence {job['fence']} holds that of {job['signed']}")
        return Finding("I2", "completed once", len(self.jobs), broken)

    def ends_stand(self) -> Finding:
        """I3: nothing about a job changes after its end, and no row goes."""
        rows = self._rows(_CHANGED_ENDS)
        broken = [f"{row['job_id']} {row['op']} by {row['role']}: {row['changed']}" for row in rows]
        ended = sum(job["status"] in FINAL for job in self.jobs.values())
        return Finding("I3", "ended jobs never change", ended, broken)

    def no_late_write(self) -> Finding:
        """I4: nobody who lost a job wrote to it."""
        rows = self._rows(_LATE_WRITES)
        broken = [
            f"{row['job_id']} at fence {row['new_fence']} was written by {row['signed_fence']}"
            if row["new_fence"] != row["signed_fence"]
            else f"{row['job_id']} of {row['worker']} was written by {row['signed_process']}"
            for row in rows
        ]
        signed = self._rows("select count(*) as n from audit where signed_fence is not null")
        return Finding("I4", "no write by an old fence", signed[0]["n"], broken)

    def one_text_each(self) -> Finding:
        """I5: one text for each ended job that wanted one, or a reason why there is none."""
        # Somebody may opt out while their text is under way, but a lease later none may set out.
        rows = self._rows(_TEXTS, lease=self._cluster.settings.text_lease_seconds)
        self.texts = TextJudge(
            Carried.read(self._cluster),
            self._cluster.settings,
            open_statuses=("needs_review", *_NOT_SETTLED) if self._senders_may_live
            else ("needs_review",),
        )  # fmt: skip
        self.texts.judge(rows)
        broken, held = self.texts.broken, self.texts.held_for_a_sender
        most_held = 1 + sum(hit.what in LOSE_A_SENDER for hit in self._hits)
        if self.accepted is not None and held > most_held:
            broken.append(f"{held} texts are held, for {most_held} lost senders at most")
        return Finding("I5", "one text each, or a reason for none", len(rows), broken)

    def nothing_of_others(self, people: Sequence[Person]) -> Finding:
        """I6: a job of A's is a 404 for B, and B's list holds B's alone."""
        broken: list[str] = []
        asked = 0
        owner_of = {job_id: job["owner_id"] for job_id, job in self.jobs.items()}
        for job_id in list(self.jobs)[:: max(1, len(self.jobs) // SAMPLE)]:
            stranger = next(person for person in people if str(person.id) != owner_of[job_id])
            for path in ("", "/result", "/events", "/timeline"):
                asked += 1
                try:
                    answer = stranger.request("GET", f"jobs/{job_id}{path}")
                except NoAnswerError as error:
                    broken.append(str(error))
                else:
                    if answer.status != 404:
                        broken.append(f"{job_id}{path} is {answer.status} for a stranger")
        for person in people:
            asked += 1
            listed = person.request("GET", "jobs?limit=100").json()["jobs"]
            broken += [
                f"{job['id']} is in the list of another"
                for job in listed
                if owner_of.get(job["id"]) != str(person.id)
            ]
        return Finding("I6", "nothing of others is seen (requests sent)", asked, broken)

    def progress_never_falls(self) -> Finding:
        """I7: within an attempt."""
        rows = self._rows(_FALLEN_PROGRESS)
        broken = [
            f"{row['job_id']} fence {row['new_fence']}: {row['old_progress']}, then"
            f" {row['new_progress']}"
            for row in rows
        ]
        seen = self._rows("select count(*) as n from audit where new_progress is not null")
        return Finding("I7", "progress never falls within an attempt", seen[0]["n"], broken)

    def recovered_in_time(self) -> Finding:
        """I8: a job whose worker is gone is back in the queue within lease + 2 sweeps."""
        allowed = self._cluster.lease_seconds + 2 * SWEEP_SECONDS + SLACK_SECONDS
        broken = []
        for hit in self._hits:
            frozen = hit.what.startswith("freeze")
            recovery = self.after_freeze if frozen else self.after_kill
            if hit.what == "stop_node":
                recovery = self.after_stop
            for attempt in hit.attempts:
                back = self._leaves(attempt)
                if back is None:
                    continue  # I1 tells of it
                if not _took_over(back) or back.at < hit.at:
                    continue  # it had ended itself at the last moment, or lost its job before
                seconds = back.at - hit.at
                recovery.back.append(seconds)
                if claim := self._next_claim(attempt):
                    recovery.claimed.append(claim.at - hit.at)
                limit = allowed + self._outage(hit.at, back.at)
                if frozen:  # it may have been stopped in a transaction, and held the row till then
                    limit = max(limit, hit.until - hit.at + SWEEP_SECONDS + SLACK_SECONDS)
                if seconds > limit:
                    broken.append(
                        f"{attempt.job_id} fence {attempt.fence}: {seconds:.1f} s after {hit.what}"
                        f" of {hit.target}, {limit:.1f} s allowed"
                    )
        what = f"back in the queue within lease + 2 sweeps + {SLACK_SECONDS:.0f} s"
        checked = sum(
            len(each.back) for each in (self.after_kill, self.after_freeze, self.after_stop)
        )
        return Finding("I8", what, checked, broken)

    def cap_kept(self) -> Finding:
        """I9: at most so many jobs of one person run at the same time."""
        cap = self._cluster.settings.running_jobs_per_person
        broken = [
            f"{most} jobs of {owner_id} ran at once, of {cap} allowed"
            for owner_id, most in self.most_running().items()
            if most > cap
        ]
        people = len({job["owner_id"] for job in self.jobs.values()})
        return Finding("I9", f"at most {cap} running jobs a person", people, broken)

    def no_early_rescue(self) -> Finding:
        """I10: no sweep took a job from a worker whose lease had not lapsed."""
        broken, rescues = [], 0
        for job_id, moves in self.moves.items():
            for move in moves:
                if move.role == "textback_operator" and move.old == "running":
                    rescues += 1
                    if move.old_lease_until is not None and move.old_lease_until > move.at:
                        early = move.old_lease_until - move.at
                        broken.append(f"{job_id} was rescued {early:.1f} s before its lease lapsed")
        return Finding("I10", "no rescue before the lease has lapsed (rescues)", rescues, broken)

    def reports_stand(self) -> Finding:
        """I11: an end that the carrier reported, and we answered, stands in the row, for good."""
        assert self._cluster.stand_in is not None
        ends = reported_ends(read_ledger(self._cluster.stand_in.ledger))
        rows = {row["provider_sid"]: row for row in self._rows(_REPORTED)}
        broken = [
            f"text {sid} was reported {end}, and its row says {rows[sid]['status']}"
            for sid, end in ends.items()
            if sid in rows and rows[sid]["status"] != end
        ]
        broken += [
            f"the text of {row['job_id']} went from {row['old_status']} to {row['new_status']}"
            for row in self._rows(_BACK_FROM_ENDS)
        ]
        return Finding("I11", "what the carrier reported of a text stands", len(ends), broken)

    # -- figures --------------------------------------------------------------------------------

    def most_running(self) -> dict[str, int]:
        """Return how many jobs of each person ran at once, at the most."""
        changes: dict[str, list[tuple[float, int]]] = defaultdict(list)
        for job_id, moves in self.moves.items():
            for move in moves:
                if move.new == "running" and move.old == "queued":
                    changes[self.jobs[job_id]["owner_id"]].append((move.at, 1))
                elif move.old == "running" and move.new != "running":
                    changes[self.jobs[job_id]["owner_id"]].append((move.at, -1))
        most = {}
        for owner_id, steps in changes.items():
            running = highest = 0
            for _, step in sorted(steps):
                running += step
                highest = max(highest, running)
            most[owner_id] = highest
        return most

    def statuses(self) -> Counter[str]:
        """Return how many jobs ended how."""
        return Counter(job["status"] for job in self.jobs.values())

    def claims(self) -> int:
        """Return how often a job was claimed."""
        return sum(move.new == "running" for moves in self.moves.values() for move in moves)

    def run_again(self) -> int:
        """Return how many claims were not a job's first."""
        return self.claims() - sum(
            any(move.new == "running" for move in moves) for moves in self.moves.values()
        )

    def steps_done(self) -> tuple[int, int]:
        """Return how many steps the jobs had, and how often one was done that had been before."""
        times = Counter(
            (attempt.job_id, step)
            for attempt, account in self.attempts.items()
            for step in account.steps
        )
        return len(times), times.total() - len(times)

    def woke_up_late(self) -> int:
        """Return how many attempts still did something after another worker had their job."""
        late = 0
        for attempt, account in self.attempts.items():
            claim = self._next_claim(attempt)
            late += claim is not None and account.last_at > claim.at
        return late

    # -- inside ---------------------------------------------------------------------------------

    def _leaves(self, attempt: Attempt) -> Move | None:
        """Return the move by which an attempt lost its job, or ended it."""
        for move in self.moves.get(attempt.job_id, ()):
            if move.old == "running" and move.old_fence == attempt.fence:
                return move
        return None

    def _next_claim(self, attempt: Attempt) -> Move | None:
        for move in self.moves.get(attempt.job_id, ()):
            if move.new == "running" and move.new_fence > attempt.fence:
                return move
        return None

    def _outage(self, since: float, until: float) -> float:
        """Return for how long in this time Postgres was away."""
        return sum(
            max(0.0, min(hit.until, until) - max(hit.at, since))
            for hit in self._hits
            if hit.what == "restart_postgres"
        )

    def _was_handed_back(self, attempt: Attempt, account: Account) -> bool:
        """Tell whether an attempt was not counted: its worker was stopped before the job did harm.

        Its child learns of that at its next step.
        """
        return any(
            move.old == "running"
            and move.old_fence == attempt.fence
            and move.attempt < account.number
            and move.at < account.last_at
            and any(
                hit.what == "stop_node" and hit.at <= move.at <= hit.at + STOP_SECONDS
                for hit in self._hits
            )
            for move in self.moves.get(attempt.job_id, ())
        )

    def _story(self, job_id: str) -> str:
        return " ".join(
            f"[{move.new} f{move.new_fence} {move.role.removeprefix('textback_')}]"
            for move in self.moves.get(job_id, ())[-6:]
        )

    def _rows(self, statement: LiteralString, **values: Any) -> list[dict[str, Any]]:
        with self._cluster.sql() as connection:
            cursor = connection.execute(statement, values or None)
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]


def _took_over(move: Move) -> bool:
    """Tell whether somebody else ended the attempt: the fence rises then."""
    return move.new_fence > move.old_fence or move.role != "textback_worker"


def percentile(values: Iterable[float], percent: int) -> float:
    """Return the value that so many percent do not exceed; nan for none."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * percent // 100) - 1))]


_JOBS: LiteralString = """
    select id::text, owner_id::text, kind, status, attempt, max_attempts, fence, error_code,
           cancel_requested_at is not null as cancel_requested,
           (result ->> 'fence')::int as signed, params ->> 'label' as label
    from jobs order by id
"""
_MOVES: LiteralString = """
    select job_id::text, extract(epoch from at)::float as at, role, old_status as old,
           new_status as new, coalesce(old_fence, 0) as old_fence, new_fence, attempt,
           extract(epoch from old_lease_until)::float as old_lease_until
    from audit where op = 'UPDATE' and old_status <> new_status order by seq
"""
_COMPLETIONS: LiteralString = """
    select jobs.id::text as job_id, status, count(audit.job_id)
    from jobs left join audit on audit.job_id = jobs.id
      and op = 'UPDATE' and new_status in ('succeeded', 'failed', 'cancelled')
      and (old_status not in ('succeeded', 'failed', 'cancelled') or wrote_result)
    group by jobs.id
"""
_END_EVENTS: LiteralString = """
    select jobs.id::text as job_id, count(job_events.job_id)
    from jobs left join job_events on job_events.job_id = jobs.id
      and event in ('succeeded', 'failed', 'cancelled')
    where status in ('succeeded', 'failed', 'cancelled')
    group by jobs.id
"""
_CHANGED_ENDS: LiteralString = """
    select job_id::text, op, role, changed from audit
    where changed is not null or op = 'DELETE' order by seq
"""
_LATE_WRITES: LiteralString = """
    select job_id::text, signed_fence, new_fence, signed_process, worker from audit
    where signed_fence <> new_fence
       -- A worker of an older release may name no child.
       or split_part(worker, '/', 3) not in ('', signed_process)
    order by seq
"""
_FALLEN_PROGRESS: LiteralString = """
    select job_id::text, new_fence, old_progress, new_progress from audit
    where op = 'UPDATE' and new_fence = old_fence and new_status <> 'queued'
      and new_progress < old_progress
    order by seq
"""
_REPORTED: LiteralString = """
    select provider_sid, status from notifications where provider_sid is not null
"""
_BACK_FROM_ENDS: LiteralString = """
    select job_id::text, old_status, new_status from audit_of_texts
    where old_status in ('delivered', 'undelivered', 'failed') order by seq
"""
_TEXTS: LiteralString = """
    select jobs.id::text as job_id, jobs.owner_id::text, jobs.status,
           result_links.id::text as link_id, notifications.status as text_status,
           notifications.error_code, notifications.provider_sid, notifications.resends,
           suppressions.phone_hash is not null as is_suppressed,
           coalesce(notifications.guarded_at > suppressions.created_at
                    + make_interval(secs => %(lease)s), false) as was_unwanted
    from jobs
    left join result_links on result_links.job_id = jobs.id and result_links.purpose = 'text'
    left join notifications on notifications.job_id = jobs.id
    join users on users.id = jobs.owner_id
    left join suppressions using (phone_hash)
    where jobs.notify = 'sms'
"""
