"""Disks fill up: what cannot be kept is refused, nothing is half kept, and it goes on with room."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from processes import wait_for

from faults.stage import Caller, Stage, asking
from webapp.processes import free_port

RECOVERY_SECONDS = 60.0
MIB = 1024 * 1024
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root may mount a small disk"
)


class SmallDisk:
    """A disk of so many bytes, in memory."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self._filler = folder / "filler"
        folder.mkdir()
        self._mount("-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs")

    def _mount(self, *options: str) -> None:
        done = subprocess.run(["mount", *options, self.folder], capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"no disk can be mounted here: {done.stderr.decode().strip()}")

    @contextmanager
    def full(self, *, but: int = 0) -> Iterator[None]:
        """Leave room for so many bytes and no more."""
        with self._filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        os.truncate(self._filler, max(0, self._filler.stat().st_size - but))
        yield
        self._filler.unlink()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Let nobody write."""
        self._mount("-o", "remount,ro")
        yield
        self._mount("-o", "remount,rw")

    def unmount(self) -> None:
        """Let it go, with what is on it."""
        subprocess.run(["umount", "--lazy", self.folder], check=True)


@pytest.fixture
def data_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk for texts, beat and Flower."""
    disk = SmallDisk(tmp_path / "data", 4 * MIB)
    yield disk
    disk.unmount()


@pytest.mark.parametrize("fault", ["full", "read_only"])
def test_data_directory_cannot_be_written(stage: Stage, data_disk: SmallDisk, fault: str) -> None:
    """Beat, Flower and texts have no room: jobs go on, and each text goes out once, later."""
    own = {"DATA_DIR": str(data_disk.folder)}
    flower = free_port()
    commands = {"beat-2": {}, "flower": {"FLOWER_PORT": str(flower), "FLOWER_PASSWORD": "w" * 16}}
    usual = ("notifications", "beat")
    for name in usual:
        stage.keep_down(name)
        stage.kill_group(name)
    person = stage.person(phone={"full": "+12025550123", "read_only": "+12025550124"}[fault])
    caller = Caller(stage.addresses["web-1"], person.id, person.token)
    try:
        with getattr(data_disk, fault)():
            stage.start_node("texts", queues="notifications", pool="solo", concurrency=1, **own)
            for name, more in commands.items():
                argv = [sys.executable, "-m", "webapp.cli", name.partition("-")[0]]
                stage._start(name, {"argv": argv, "env": {**own, **more}}, restart=True)
            wait_for(lambda: stage.is_node_ready("texts"), 60, "the sender")
            reply = caller.ask(
                "jobs", {"kind": "steady", "params": {"label": fault}, "notify": "sms"}
            )
            others = [stage.make_caller().submit(steps=1).id for _ in range(4)]
            stage.wait_until_ended([reply.id, *others])
            failed = "select 1 from notifications where error_code like 'not_written_%%'"
            wait_for(lambda: stage.rows(failed), 30, "a try to send")
        began = time.monotonic()
        beat = stage.logs / "beat-2.log"
        written = beat.stat().st_size
        sent = data_disk.folder / "texts.jsonl"
        wait_for(lambda: sent.exists() and sent.read_text(), RECOVERY_SECONDS, "the text")
        print(f"data directory {fault}: the text went out {time.monotonic() - began:.1f} s after")
        # With Berkeley DB, which keeps beat's file on Debian, beat hangs once that was cut off by
        # a full disk. Nobody waits for it: each worker sweeps by itself.
        if fault == "read_only":
            wait_for(lambda: b"Sending due task" in beat.read_bytes()[written:], 30, "beat")
        wait_for(lambda: is_healthy(flower), 30, "Flower")
        told = [{"status": "sent"}]  # by the sender, after it wrote the text
        wait_for(
            lambda: stage.rows("select status from notifications") == told,
            RECOVERY_SECONDS,
            "the row of the text",
        )
        assert len([json.loads(line) for line in sent.read_text().splitlines()]) == 1
        stage.check_ended_once([reply.id, *others], attempts=1)
    finally:
        for name in ("texts", *commands):
            with contextlib.suppress(KeyError, AssertionError):
                stage.stop_process(name)
        for name in usual:
            stage.bring_up(name)


def is_healthy(port: int) -> bool:
    """Tell whether Flower answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthcheck", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def small_stage(tmp_path: Path) -> Iterator[tuple[Stage, SmallDisk]]:
    """Servers of their own on a disk of 200 MB, with logs and all; but for the suite's ledger."""
    disk = SmallDisk(tmp_path / "disk", 200 * MIB)
    folder = tmp_path / "disk" / "stage"
    folder.mkdir()
    (folder / "ledger").symlink_to(tmp_path / "ledger")
    with Stage(folder) as stage:
        yield stage, disk
    disk.unmount()


def test_postgres_runs_out_of_disk(small_stage: tuple[Stage, SmallDisk]) -> None:
    """503 while there is no room, never a 202 for what is not kept; it goes on by itself."""
    stage, disk = small_stage
    callers = [stage.make_caller() for _ in range(3)]
    first = [caller.submit(steps=1).id for caller in callers]
    stage.wait_until_ended(first)
    label = secrets.token_hex(30_000)  # nothing that could be packed into less
    with disk.full(but=MIB), asking(callers, label=label, steps=1) as replies:
        wait_for(lambda: any(reply.status == 503 for reply in replies), 60, "no room")
        time.sleep(3)
    began = time.monotonic()
    if not stage.postgres.is_ready():  # without room for its log it ends itself
        with contextlib.suppress(Exception):
            stage.stop_postgres()
        stage.start_postgres()

    def goes_on() -> bool:
        return callers[0].submit(steps=1).status == 202

    wait_for(goes_on, RECOVERY_SECONDS, "a submit")
    kept = [reply.id for reply in replies if reply.status == 202]
    # A job that cannot end for want of room answers the same question of the same person.
    hints = [reply.id for reply in replies if reply.status == 200]
    refused = [reply for reply in replies if reply.status not in (200, 202)]
    stage.wait_until_ended(kept, RECOVERY_SECONDS)
    print(
        f"Postgres without room: {len(kept)} kept, {len(refused)} refused; "
        f"all done {time.monotonic() - began:.1f} s after there was room"
    )
    assert {reply.status for reply in refused} == {503}
    assert set(hints) <= set(kept)
    assert all(int(reply.headers["Retry-After"]) > 0 for reply in refused)
    stage.check_ended_once(kept)
    stage.check()
