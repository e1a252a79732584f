"""A sender of texts dies or freezes at each point around its request: the text goes out once."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import wait_for
from psycopg.rows import dict_row
from standins.twilio import Behaviour

from faults.harness.carrier import Carrier
from faults.harness.checker import Checker
from faults.harness.cluster import Cluster
from faults.harness.person import Person

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="freezes what it hits, reads /proc"),
    pytest.mark.timeout(180),
]


class TextStage(Cluster):
    """A cluster whose texts go to a stand-in, and whose senders can be hit at points."""

    def __init__(self, folder: Path) -> None:
        self.armed = folder / "armed"
        self.armed.mkdir(parents=True)
        super().__init__(
            folder,
            nodes=1,
            patches=["faults.points"],
            carrier=Carrier(lease_seconds=2, looks_seconds=(1, 3)),
            environment={"FAULTS_ARMED": str(self.armed)},
            postgres_settings={"fsync": "off"},
        )

    def start_sender(self, name: str) -> None:
        """With the points of a text as well."""
        self.patches.append("faults.text_points")
        super().start_sender(name)
        self.patches.remove("faults.text_points")

    def hit(self, person: Person, point: str, deed: str) -> str:
        """Let a sender be hit with a new text in its hands; returns the job's id."""
        armed = self.armed / f"{point}--{deed}--once"
        armed.touch()
        job_id = person.submit("steady", steps=1, notify="sms")
        wait_for(lambda: not armed.exists(), 30, f"{deed} at {point}")
        return job_id

    def text(self, job_id: str) -> dict[str, Any]:
        """Return the row of a job's text."""
        with self.sql() as connection, connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute("select * from notifications where job_id = %s", (job_id,))
            return cursor.fetchone() or {}

    def wait_text(self, job_id: str, *statuses: str) -> dict[str, Any]:
        """Wait until it has come to one of these."""

        def come() -> dict[str, Any] | None:
            row = self.text(job_id)
            return row if row.get("status") in statuses else None

        return wait_for(come, 60, f"the text of {job_id} to be {' or '.join(statuses)}")

    def wake_up(self, job_id: str) -> None:
        """Let the frozen sender go on, and wait until it has done with its text."""
        (name,) = [name for name in self.senders if _is_stopped(self.pid(name))]
        log, done = self.logs / f"{name}.log", f"done with {self.text(job_id)['id']}"
        assert done not in log.read_text()
        self.kill(self.pid(name), signal.SIGCONT)
        wait_for(lambda: done in log.read_text(), 30, f"{name} to go on")

    def taken(self, person: Person, job_id: str) -> int:
        """Return how many texts of a job reached the carrier, and see that all else holds."""
        assert self.stand_in is not None
        broken = {
            each.name: line
            for each in Checker(self).findings()
            for line in each.broken
            if each.name != "I5" or job_id in line
        }
        sids = {
            text["sid"]
            for text in self.stand_in.accepted()
            if str(self.text(job_id)["id"]) in text["callback"]
        }
        assert set(broken) <= ({"I5"} if len(sids) > 1 else set()), broken
        return len(sids)


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextStage]:
    """One cluster for all of these."""
    with TextStage(tmp_path_factory.mktemp("texts")) as stage:
        yield stage


@pytest.fixture(scope="module")
def person(texts: TextStage) -> Person:
    """Somebody with a phone."""
    person = texts.person(phone="+12025550123")
    # A sender loads the carrier's library with its first text.
    texts.wait_text(person.submit("steady", steps=1, notify="sms"), "delivered")
    return person


@pytest.mark.parametrize(
    ("point", "resends"), [("text:claimed", 0), ("text:guarded", 1), ("text:taken", 0)]
)
def test_killed_around_its_request(
    texts: TextStage, person: Person, point: str, resends: int
) -> None:
    """Before the guard another sends it; after it, only what is not found and proven dead."""
    job_id = texts.hit(person, point, "crash")
    assert texts.wait_text(job_id, "delivered")["resends"] == resends
    assert texts.taken(person, job_id) == 1


def test_killed_after_a_text_nobody_reports(texts: TextStage, person: Person) -> None:
    """Without a callback it is found in the carrier's list, later than at the first look."""
    assert texts.stand_in is not None
    texts.stand_in.script(Behaviour(callbacks="never", listed_after=3))
    job_id = texts.hit(person, "text:taken", "crash")
    row = texts.wait_text(job_id, "sent")
    assert (row["resends"], row["provider_sid"] is not None) == (0, True)
    assert texts.taken(person, job_id) == 1


@pytest.mark.parametrize("restarts", [False, True], ids=["postgres stays", "postgres restarts"])
@pytest.mark.parametrize("point", ["text:claimed", "text:guarded", "text:taken"])
def test_frozen_around_its_request(
    texts: TextStage, person: Person, point: str, restarts: bool
) -> None:
    """Past all looks, then awake: it sends only what nobody else has sent or will send.

    A restart of Postgres frees its lock, so that it looks dead but for its process.
    """
    assert texts.stand_in is not None
    if point == "text:taken":
        texts.stand_in.script(Behaviour(callbacks="never"))
    job_id = texts.hit(person, point, "freeze")
    if restarts:
        texts.restart_postgres()
    settled = {"text:claimed": "delivered", "text:guarded": "needs_review", "text:taken": "sent"}
    row = texts.wait_text(job_id, settled[point])
    assert row["resends"] == 0
    assert texts.taken(person, job_id) == (point != "text:guarded")
    texts.wake_up(job_id)
    texts.wait_text(job_id, "sent" if point == "text:taken" else "delivered")
    assert texts.taken(person, job_id) == 1


def test_the_window_that_remains(texts: TextStage, person: Person) -> None:
    """Two faults in one instant, on two hosts, double a text; and it is said that they did.

    The sender is frozen between its guard and its request, and Postgres loses the sender's session
    meanwhile. From another host nothing tells it from a dead one.
    """
    elsewhere = texts.armed / "two-hosts"
    elsewhere.touch()
    try:
        job_id = texts.hit(person, "text:guarded", "freeze")
        texts.restart_postgres()
        assert texts.wait_text(job_id, "delivered")["resends"] == 1
        assert texts.taken(person, job_id) == 1
        texts.wake_up(job_id)
    finally:
        elsewhere.unlink()
    wait_for(
        lambda: _events(texts, "text_doubled", str(texts.text(job_id)["id"])), 20, "an alert of it"
    )
    assert texts.taken(person, job_id) == 2


def _events(texts: TextStage, event: str, about: str) -> int:
    with texts.sql() as connection:
        row = connection.execute(
            "select count(*) from operator_events where event = %s and subject = %s",
            (event, about),
        ).fetchone()
    return 0 if row is None else int(row[0])
