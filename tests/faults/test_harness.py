"""The harness itself: it starts the product, ends all of it, and its checker sees what is wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from processes import wait_for

from faults.harness.checker import Checker
from faults.harness.cluster import Cluster
from faults.harness.load import Request

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks what it kills, reads /proc")


def _broken(checker: Checker) -> dict[str, list[str]]:
    return {finding.name: finding.broken for finding in checker.findings() if finding.broken}


def test_checker_finds_nothing_after_a_kill_and_each_thing_that_is_planted(tmp_path: Path) -> None:
    """A node dies in mid-job and all holds; then each witness is tampered with, one by one."""
    with Cluster(tmp_path, lease_seconds=2) as cluster:
        person = cluster.person(phone="+12025550123")
        job_id = person.submit("steady", steps=40, step_seconds=0.1, notify="sms")
        (attempt,) = wait_for(cluster.ledger.open_attempts, what="the first attempt")
        victim = next(
            name
            for name in cluster.nodes
            if cluster.ledger.attempts[attempt].pid in cluster.children(name)
        )
        cluster.kill_group(victim)
        assert cluster.wait_ended([job_id]) == {job_id: "succeeded"}
        wait_for(cluster.texts, what="the text")
        with cluster.sql() as connection:
            wait_for(
                lambda: connection.execute(
                    "select 1 from notifications where status = 'sent'"
                ).fetchone()
            )
        checker = Checker(cluster)
        assert _broken(checker) == {}
        assert (checker.claims(), checker.run_again(), checker.texts.sent) == (2, 1, 1)

        asked = Request(0, 0, "steady", {}, "none", cancel=False)
        lost = Checker(cluster, {"01a20110-0000-7000-8000-000000000000": asked})
        assert "I1" in _broken(lost)

        texts = cluster.folder / "texts.jsonl"
        texts.write_text(texts.read_text() + json.dumps(cluster.texts()[0]) + "\n")
        assert list(_broken(Checker(cluster))) == ["I5"]

        other = person.submit("steady", steps=50, step_seconds=0.1)
        wait_for(lambda: any(each.job_id == other for each in cluster.ledger.open_attempts()))
        with cluster.sql() as connection:
            connection.execute("update jobs set stage = 'fence=99' where id = %s", [other])
            connection.execute("update jobs set progress = 90 where id = %s", [other])
            connection.execute("update jobs set progress = 10 where id = %s", [other])
            connection.execute("alter table jobs disable trigger user")
            connection.execute("alter table jobs enable trigger zz_audit")
            connection.execute("update jobs set result_count = 7 where id = %s", [job_id])
            connection.execute(
                "update jobs set result = jsonb_set(result, '{fence}', '1') where id = %s", [job_id]
            )
        assert set(_broken(Checker(cluster))) == {"I1", "I2", "I3", "I4", "I5", "I7"}
    assert cluster.pids() == []
