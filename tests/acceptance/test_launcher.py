"""The all-in-one mode as a person meets it: one command, real processes, and what ends them."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import psutil
import pytest
from processes import command_line_of, name_of

from webapp.console import Console
from webapp.demo.walk import ConsoleTexts, link_in, walk
from webapp.processes import free_port

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

EXTRA_KINDS = Path(__file__).parents[1] / "extra_kinds"
# The web server is a program of its own, whose name is that of whatever Python runs it.
CHILDREN = {"worker", "notifications", "maintenance", "beat", "flower"}


class AllInOne:
    """A running `textback run`, and what it wrote."""

    def __init__(self, data: Path, *arguments: str, output: str = "out", **more: str) -> None:
        self.data = data
        self.output = data.with_suffix(f".{output}")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "webapp.cli", "run", "--data", str(data), *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **more},
            )

    @property
    def text(self) -> str:
        return self.output.read_text()

    def wait_for(self, pattern: str, seconds: float = 60) -> re.Match[str]:
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            assert self.process.poll() is None, f"it ended:\n{self.text}"
            assert time.monotonic() < deadline, f"no {pattern!r} in\n{self.text}"
            time.sleep(0.05)
        return found

    def wait_until_it_serves(self) -> None:
        self.wait_for("Ctrl-C stops everything")

    @property
    def address(self) -> str:
        return self.wait_for(r"Web page +(http://127\.0\.0\.1:\d+)/")[1]

    def request(self, path: str, body: object = None) -> dict[str, object]:
        token = json.loads((self.data / "secrets.json").read_text())["DEMO_TOKEN"]
        request = urllib.request.Request(
            self.address + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, object] = json.load(answer)
            return found

    def watch(self, job: object, is_wanted: Callable[[Any], bool]) -> None:
        """Look at a job until it is as wanted; each look has its answer."""
        deadline = time.monotonic() + 60
        while not is_wanted(found := self.request(f"/api/v1/jobs/{job}")):
            assert time.monotonic() < deadline, found
            time.sleep(0.1)

    def wait_for_job(self, job: object, status: str) -> None:
        self.watch(job, lambda found: found["status"] == status)

    def wait_for_text(self, job: object) -> None:
        self.watch(job, lambda found: (found["notification"] or {}).get("status") == "sent")

    def wait_for_progress(self, job: object) -> None:
        """Wait until a second step is behind it, and with it the checkpoint of the first."""
        self.watch(job, lambda found: found["progress_done"] not in (None, 0, 1))

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, name: str) -> psutil.Process:
        """Find one of our own processes by the name `ps` shows."""
        for process in psutil.Process(self.process.pid).children():
            if name_of(process) == name:
                return process
        raise AssertionError(f"no process {name}")

    def hold_until_it_listens(self, turn: TextIO) -> None:
        """Keep the turn to choose ports until ours are taken, or nobody wants them."""
        with turn:
            while self.process.poll() is None and "● Flower" not in self.text:
                time.sleep(0.05)

    def stop(self, sign: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(sign)
        return self.process.wait(60)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., AllInOne]]:
    started: list[AllInOne] = []

    def make(*arguments: str, **more: str) -> AllInOne:
        if "--port" not in arguments:
            arguments = (*arguments, "--port", str(free_port()))
        # Seconds lie between choosing Flower's port and taking it: in the tests beside these, too.
        turn = (Path(tempfile.gettempdir()) / "textback-tests-choose-ports").open("a")
        fcntl.flock(turn, fcntl.LOCK_EX)
        started.append(launcher := AllInOne(tmp_path / "var", *arguments, **more))
        threading.Thread(target=launcher.hold_until_it_listens, args=(turn,), daemon=True).start()
        return launcher

    yield make
    for launcher in started:
        if launcher.process.poll() is None:
            launcher.process.kill()  # the kernel takes its children along
            launcher.process.wait()


def all_gone(processes: list[psutil.Process], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(map(runs, processes)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_one_search_from_start_to_text_and_stop_in_order(start):
    """The demo of `make run`, written to a file as it would be to a terminal."""
    launcher = start("--demo")
    launcher.wait_until_it_serves()
    link = launcher.wait_for(r"Open it +(http://\S+/r/\S+)")[1]
    shown = launcher.text
    for name in ("Postgres 18", "Valkey 9", "Database schema", "Web page and API", "Flower"):
        assert re.search(rf"● {name}.* \d+\.\d s", shown), name
    assert "A photo goes in" in shown
    assert re.search(r"A text comes out, \d+\.\d s after the start", shown)
    assert "╭" in shown, "the text is drawn as on a phone"
    with urllib.request.urlopen(link, timeout=30) as page:
        assert page.status == 200, "no login, no cookie"
    secrets = json.loads((launcher.data / "secrets.json").read_text())
    assert secrets["FLOWER_PASSWORD"] not in shown
    assert secrets["SECRET_KEY"] not in shown

    everybody = launcher.descendants()
    assert launcher.stop() == 0
    assert all_gone(everybody, seconds=3)
    stopped = re.findall(r"● (\w+) +stopped", launcher.text)
    ranks = {"web": 0, "beat": 1, "flower": 1, "postgres": 3, "valkey": 3}
    assert len(stopped) == 8
    assert stopped == sorted(stopped, key=lambda name: ranks.get(name, 2))
    assert "forced" not in launcher.text


def test_the_demo_shows_its_own_text_first(start, capsys):
    """After a restart the text of a slot that is made up for may come while it searches."""
    launcher = start(PYTHONPATH=os.fspath(EXTRA_KINDS))
    launcher.wait_until_it_serves()
    file = launcher.data / "texts.jsonl"
    texts = ConsoleTexts(file)
    texts.begin()
    asked = {"kind": "count_slowly", "params": {"steps": 1}, "notify": "sms"}
    launcher.wait_for_text(launcher.request("/api/v1/jobs", asked)["id"])
    token = json.loads((launcher.data / "secrets.json").read_text())["DEMO_TOKEN"]
    walk(launcher.address, token, texts, Console(), time.monotonic())
    other, own = (link_in(json.loads(line)["body"]) for line in file.read_text().splitlines())
    shown = capsys.readouterr().out
    assert re.findall(r"Open it +(\S+)", shown) == [own, other]
    assert shown.index("A text comes out") < shown.index("And one of another search")


def test_second_start_finds_everything_again(start):
    """Jobs and their results are there after all processes were stopped and started.

    Demand: 000-1
    """
    first = start("--demo")
    link = first.wait_for(r"Open it +http://[^/]+(/r/\S+)")[1]
    job = first.wait_for(r"Job +([0-9a-f-]{36})")[1]
    assert first.stop(signal.SIGTERM) == 0

    second = start()
    second.wait_until_it_serves()
    assert "Database schema" not in second.text, "nothing to migrate"
    assert second.request(f"/api/v1/jobs/{job}")["status"] == "succeeded"
    assert second.request(f"/api/v1/jobs/{job}/result")
    with urllib.request.urlopen(second.address + link, timeout=30) as page:
        assert page.status == 200
    assert second.stop() == 0


def test_sigkill_of_the_launcher_leaves_no_process_and_no_job_behind(start, tmp_path):
    """Killed in the middle of a job: three seconds later nothing runs; started again, the job is
    taken up where it was and finished.

    Demand: 000-5, 000-32, 002-31
    """
    marks = tmp_path / "marks"
    more = {"PYTHONPATH": os.fspath(EXTRA_KINDS), "LEASE_SECONDS": "3"}
    launcher = start(**more)
    launcher.wait_until_it_serves()
    params = {"marks": str(marks), "steps": 40, "step_seconds": 0.25}
    job = launcher.request("/api/v1/jobs", {"kind": "count_slowly", "params": params})["id"]
    launcher.wait_for_progress(job)
    everybody = launcher.descendants()
    assert {name_of(process) for process in everybody} >= CHILDREN
    assert any("gunicorn" in command_line_of(process) for process in everybody)
    launcher.process.kill()
    launcher.process.wait()
    assert all_gone(everybody, seconds=3), [p for p in everybody if runs(p)]
    assert "end" not in marks.read_text()

    again = start(**more)
    again.wait_until_it_serves()
    again.wait_for_job(job, "succeeded")
    result = again.request(f"/api/v1/jobs/{job}/result")
    assert result["counted"] == 40
    assert result["began_at"] > 0, "from the last checkpoint on"
    assert [line.split()[:2] for line in marks.read_text().splitlines()] == [
        ["start", "1"],
        ["start", "2"],
        ["end", "2"],
    ]
    assert again.stop() == 0


def test_dead_children_are_started_again_and_said_so(start):
    """A worker, the clock and Valkey die; each comes back and a job still runs."""
    launcher = start(PYTHONPATH=os.fspath(EXTRA_KINDS))
    launcher.wait_until_it_serves()
    for name in ("worker", "valkey-server"):
        launcher.child(name).kill()
    os.kill(launcher.child("beat").pid, signal.SIGTERM)
    for name in ("worker", "valkey"):
        launcher.wait_for(rf"{name} ended \(killed by SIGKILL\); it is started again at once")
    launcher.wait_for(r"Worker for searches +ready again")
    launcher.wait_for(r"Beat, the clock +ready again")
    launcher.wait_for(r"Valkey 9\S* +ready again")
    params = {"steps": 2}
    job = launcher.request("/api/v1/jobs", {"kind": "count_slowly", "params": params})["id"]
    launcher.wait_for_job(job, "succeeded")
    assert launcher.stop() == 0


def test_nobody_is_refused_while_the_web_process_is_started_again(start):
    """All of it is killed: whoever comes then waits for the next one, and is answered by it."""
    launcher = start()
    launcher.wait_until_it_serves()
    web = [process for process in launcher.descendants() if "gunicorn" in command_line_of(process)]
    for process in web:
        with contextlib.suppress(psutil.NoSuchProcess):  # some end with the one before
            process.kill()
    assert all_gone(web, seconds=3)
    assert launcher.request("/api/v1/kinds")
    launcher.wait_for(r"web ended \(killed by SIGKILL\); it is started again at once")
    launcher.wait_for(r"Web page and API +ready again")
    assert launcher.stop() == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(launcher.address.rsplit(":")[-1])), 5)


def test_taken_port_and_a_second_launcher_on_the_same_data(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = taken.getsockname()[1]
        launcher = start("--port", str(wanted))
        launcher.wait_until_it_serves()
    assert f"port {wanted} is taken; the web page gets " in launcher.text
    assert not launcher.address.endswith(f":{wanted}")
    assert launcher.request("/api/v1/kinds")

    second = AllInOne(launcher.data, output="second")
    assert second.process.wait(30) == 1
    assert "already runs on" in second.text
    assert launcher.address in second.text, "and says where to look instead"
    assert "Traceback" not in second.text
    assert launcher.stop() == 0


def test_no_secret_is_in_a_command_line_or_readable_by_others(start):
    launcher = start()
    launcher.wait_until_it_serves()
    secrets = list(json.loads((launcher.data / "secrets.json").read_text()).values())
    secrets += [path.read_text() for path in launcher.data.glob("*/password")]
    for process in launcher.descendants():
        line = " ".join(command_line_of(process))
        assert not [secret for secret in secrets if secret in line]
    for path in (launcher.data / "secrets.json", *launcher.data.glob("logs/*.log")):
        assert path.stat().st_mode & 0o077 == 0, path
    logs = "".join(path.read_text() for path in launcher.data.glob("logs/*.log"))
    assert not [secret for secret in secrets if secret in logs]
    assert launcher.stop() == 0


def test_commands_reach_the_running_installation_and_texts_show_on_the_terminal(start):
    """`. var/env` is all a shell needs; a text that is not the demo's is shown too."""
    launcher = start()
    launcher.wait_until_it_serves()
    environment = launcher.data / "env"
    assert environment.stat().st_mode & 0o777 == 0o600
    asked = subprocess.run(
        ["sh", "-c", f". '{environment}'; exec '{sys.executable}' -m webapp.cli worker ping"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    assert [line.split(":")[0] for line in asked.stdout.splitlines()] == [
        "interactive",
        "scheduled",
        "notifications",
        "maintenance",
    ]
    params = {"image_url": "https://example.invalid/photo.jpg"}
    launcher.request("/api/v1/jobs", {"kind": "image_search", "params": params, "notify": "sms"})
    launcher.wait_for("could not finish")
    assert launcher.stop() == 0
