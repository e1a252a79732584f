"""A new release comes while the old one works: the schema changes under load, nothing stops."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import wait_for

from faults.harness import cluster as harness
from faults.harness.cluster import TESTS
from faults.harness.person import Person
from faults.stage import Caller, Stage, asking
from models import Settings
from models.account import hash_secret
from models.ids import new_id

# The last release whose schema knew neither turns nor request keys.
OLD_RELEASE = "126d6c5"
ROOT = TESTS.parent


@pytest.fixture
def old_release(tmp_path: Path) -> Path:
    """The files of the old release."""
    found = subprocess.run(
        ["git", "archive", OLD_RELEASE], cwd=ROOT, capture_output=True, check=False
    )
    if found.returncode:
        pytest.skip(f"the history with the old release {OLD_RELEASE} is not here")
    folder = tmp_path / "old"
    folder.mkdir()
    subprocess.run(["tar", "--extract"], input=found.stdout, cwd=folder, check=True)
    (folder / "kinds").mkdir()
    # Of the suite's kinds those that ask for nothing the old release does not have.
    for path in (TESTS / "faults/kinds").glob("fault_kinds*"):
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, folder / "kinds" / path.name)
    return folder


class OldStage(Stage):
    """A stage on the old schema, with processes of the old release beside the new ones."""

    def __init__(self, folder: Path, old_release: Path) -> None:
        """`old_release` holds its files."""
        super().__init__(folder, RUNNING_JOBS_PER_PERSON="4")
        self.old_release = old_release

    def person(self, *, phone: str | None = None) -> Person:
        """Make somebody with an API token, by columns that the old schema has."""
        assert phone is None, "the old release knows no proven numbers"
        owner_id, token = new_id(), "tb_" + secrets.token_urlsafe(32)
        with self.sql() as connection:
            connection.execute("insert into users (id) values (%s)", (owner_id,))
            connection.execute(
                "insert into api_tokens (id, owner_id, name, secret_hash)"
                " values (%s, %s, 'faults', %s)",
                (new_id(), owner_id, hash_secret(token)),
            )
        return Person(self, owner_id, token)

    def start_processes(self) -> None:
        """Start the old release alone."""
        self.start_old("old-web", "web", **self._port_of("old-web"), **self.web_lines)
        self.start_old("old-work", "worker", "--name", "old-work", "--concurrency", "2")
        self.start_old("old-small", "worker", "--queues", "maintenance", "--name", "old-small",
                       "--pool", "solo")  # fmt: skip
        self.start_old("old-beat", "beat")
        self.wait_web("old-web")
        for name in ("old-work", "old-small"):
            wait_for(lambda name=name: self.is_node_ready(name), 60, name)

    def start_new(self) -> None:
        """Start the new release beside it."""
        super().start_processes()

    def wait_serving(self, seconds: float = 60) -> None:
        """Wait until the new release serves."""
        self.wait_web("web-1", seconds)
        for name in (*self.nodes, "maintenance"):
            wait_for(lambda name=name: self.is_node_ready(name), seconds, name)

    def start_old(self, name: str, *command: str, **more: str) -> None:
        """Start one `textback …` command of the old release."""
        # In its own folder, which gunicorn looks for modules in first.
        argv = ["/usr/bin/env", "-C", str(self.old_release), sys.executable, "-m", "webapp.cli"]
        self._start(
            name, {"argv": [*argv, *command], "env": {**self.old_environment, **more}}, restart=True
        )

    @property
    def old_environment(self) -> dict[str, str]:
        """That of the old release's processes: its code comes before ours."""
        return {
            "PYTHONPATH": f"{self.old_release}{os.pathsep}{self.old_release / 'kinds'}",
            "PYTHONSAFEPATH": "1",  # never the folder the test runs in
        }

    def _port_of(self, name: str) -> dict[str, str]:
        port = str(self._keep_port())
        self.addresses[name] = f"http://127.0.0.1:{port}"
        return {"PORT": port, "BASE_URL": self.addresses[name]}

    def run_textback(self, *command: str, **more: str) -> None:
        """Run one command of the new release to its end, past the proxies."""
        environment = {**os.environ, **self.environment, **more}
        subprocess.run(
            [sys.executable, "-m", "webapp.cli", *command], env=environment, check=True, timeout=120
        )


@pytest.fixture
def stage_of_two(
    tmp_path: Path, old_release: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OldStage]:
    """The old release at work on its own schema."""

    def migrate_to_old(settings: Settings) -> None:
        urls = {
            name: getattr(settings, name.lower()).get_secret_value()
            for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL")
        }
        stage.run_textback("migrate", **stage.old_environment, **urls)

    stage = OldStage(tmp_path / "stage", old_release)
    monkeypatch.setattr(harness, "migrate", migrate_to_old)
    with stage:
        yield stage


def test_old_and_new_side_by_side(stage_of_two: OldStage) -> None:
    """Migrations under load, then workers and web of both releases, then the old ones go."""
    stage = stage_of_two
    revision = "select version_num from alembic_version"
    old_revision = stage.rows(revision)
    old_callers = [stage.make_caller("old-web") for _ in range(4)]
    with asking(old_callers, every=0.15, steps=2, step_seconds=0.05) as from_old:
        wait_for(lambda: len(from_old) > 12, what="load")
        began = time.monotonic()
        stage.run_textback("migrate", DATABASE_URL=stage.settings.database_url.get_secret_value())
        migrated = time.monotonic() - began
        assert stage.rows(revision) != old_revision
        seen = len(from_old)
        wait_for(lambda: len(from_old) > seen + 12, what="the old release on the new schema")
        stage.start_new()
        new_callers = [stage.make_caller() for _ in range(4)]
        new_callers += [Caller(stage.addresses["web-1"], each.owner_id, each.token)
                        for each in old_callers[:2]]  # fmt: skip
        with asking(new_callers, every=0.15, steps=2, step_seconds=0.05) as from_new:
            wait_for(lambda: len(from_new) > 40, what="load on both")
            long = new_callers[0].submit(steps=30, step_seconds=0.1).id
            old_ones = [name for name in stage.nursery.names() if name.startswith("old-")]
            wait_for(lambda: workers_of(stage) >= {"old-work", *stage.nodes}, 30, "both at work")
            for name in old_ones:
                if name != "old-web":
                    stage.keep_down(name)
                    stage.kill(stage.pid(name), signal.SIGTERM)
            seen = len(from_new)
            wait_for(lambda: len(from_new) > seen + 12, what="the new release alone")
    replies = [*from_old, *from_new]
    refused = [reply for reply in replies if reply.status != 202]
    jobs = [long, *(reply.id for reply in replies if reply.status == 202)]
    rows = stage.wait_until_ended(jobs, 90)
    done_by = [str(row["worker"]).partition("@")[0] for row in rows.values()]
    print(
        f"deploy: migrated in {migrated:.1f} s under load; {len(jobs)} jobs, "
        f"{done_by.count('old-work')} by the old release, {len(refused)} told to come again, "
        f"the slowest answer {max(reply.seconds for reply in replies):.2f} s"
    )
    assert {reply.status for reply in refused} <= {503}
    stage.check_ended_once(jobs)
    stage.check()


def workers_of(stage: Stage) -> set[str]:
    """Return the nodes that have claimed a job."""
    found = stage.rows("select distinct worker from jobs where worker is not null")
    return {str(row["worker"]).partition("@")[0] for row in found}
