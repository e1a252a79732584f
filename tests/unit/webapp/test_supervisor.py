"""The supervisor keeps real child processes alive, and takes them along when it goes."""

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from webapp.console import Console
from webapp.processes import spawn
from webapp.supervisor import Child, StartError, StopRequested, Supervisor

# Loops in short sleeps, so that each ends soon even if a test fails to end it.
SLEEPER = "import time\nfor _ in range(600): time.sleep(0.1)"


@pytest.fixture
def console() -> Console:
    return Console(io.StringIO())


@pytest.fixture
def supervisor(console: Console) -> Iterator[Supervisor]:
    with Supervisor(console) as it:
        yield it


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., Child]:
    """Make a child that runs a piece of Python."""

    def make(name: str, code: str, **more: object) -> Child:
        log = tmp_path / f"{name}.log"
        argv = [sys.executable, "-u", "-c", textwrap.dedent(code)]
        return Child(name, lambda: spawn(argv, log=log), log, **more)  # type: ignore[arg-type]

    return make


def written(console: Console) -> str:
    assert isinstance(console.stream, io.StringIO)
    return console.stream.getvalue()


def watch_until(supervisor: Supervisor, condition: Callable[[], bool], seconds: float = 10) -> None:
    """Watch in this thread until something holds, as the launcher watches for ever."""

    def stop_when_true() -> None:
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.02)
        supervisor.request_stop()

    thread = threading.Thread(target=stop_when_true)
    thread.start()
    supervisor.watch()
    thread.join()
    assert condition()


def test_readiness_is_shown_as_it_happens(supervisor, console, python, tmp_path):
    flag = tmp_path / "flag"
    code = f"import time, pathlib; time.sleep(0.3); pathlib.Path({str(flag)!r}).touch(); {SLEEPER}"
    slow = python(
        "slow", code.replace("; import", "\nimport"), is_ready=flag.exists, title="Slow 1"
    )
    quick = python("quick", SLEEPER)
    supervisor.start(slow, quick)
    supervisor.wait_ready()
    assert written(console).index("quick") < written(console).index("Slow 1")
    assert slow.ready and quick.ready


def test_dead_child_is_started_again_and_said_so(supervisor, console, python):
    child = python("worker", SLEEPER)
    supervisor.start(child)
    supervisor.wait_ready()
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    watch_until(supervisor, lambda: child.was_ready and child.ready and child.process.pid != first)
    said = written(console)
    assert "worker ended (killed by SIGKILL); it is started again at once" in said
    assert "ready again" in said


def test_pause_doubles_and_the_log_is_quoted_after_three_quick_deaths(supervisor, console, python):
    child = python("broken", "print('no such table: jobs'); raise SystemExit(3)")
    supervisor.start(child)
    watch_until(supervisor, lambda: child.quick_deaths >= 4, seconds=20)
    said = written(console)
    for pause in ("at once", "in 0.5 s", "in 1.0 s", "in 2.0 s"):
        assert f"broken ended (exit code 3); it is started again {pause}" in said
    assert "no such table: jobs" in said
    assert said.index("1.0 s") < said.index("no such table: jobs"), "quoted only at the third"


def test_child_that_never_becomes_ready_stops_the_start_with_its_log(supervisor, python):
    child = python("web", "print('PORT must be a number'); raise SystemExit(2)", is_ready=bool)
    supervisor.start(child)
    with pytest.raises(StartError, match=r"web does not start(.|\n)*PORT must be a number"):
        supervisor.wait_ready(seconds=20)


def test_start_that_takes_too_long_is_named(supervisor, python):
    supervisor.start(python("deaf", SLEEPER, is_ready=lambda: False))
    with pytest.raises(StartError, match="deaf is not ready in time"):
        supervisor.wait_ready(seconds=0.3)


def test_job_that_must_end_first(supervisor, python):
    assert supervisor.wait_done(python("migrate", "print('done')")) > 0
    with pytest.raises(StartError, match=r"migrate failed \(exit code 1\)(.|\n)*no database"):
        supervisor.wait_done(python("migrate", "raise SystemExit('no database')"))


def test_highest_rank_stops_first_whatever_started_first(console, python):
    with Supervisor(console) as supervisor:
        for rank, name in ((0, "postgres"), (2, "web"), (1, "worker")):
            supervisor.start(python(name, SLEEPER, rank=rank))
        supervisor.wait_ready()
    stopped = [line.split()[1] for line in written(console).splitlines() if "stopped" in line]
    assert stopped == ["web", "worker", "postgres"]


def test_stop_signal_interrupts_the_start(supervisor, python):
    supervisor.start(python("deaf", SLEEPER, is_ready=lambda: False))
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
    with pytest.raises(StopRequested):
        supervisor.wait_ready(seconds=20)


def test_second_signal_forces_a_child_that_ignores_the_first(console, python):
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf')\n{SLEEPER}"
    with Supervisor(console) as supervisor:
        child = python("deaf", deaf, grace_seconds=30.0)
        child.is_ready = lambda: "deaf" in child.log.read_text()
        supervisor.start(child)
        supervisor.wait_ready()
        began = time.monotonic()
        for delay in (0.1, 0.6):
            threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT)).start()
        supervisor.watch()
    assert time.monotonic() - began < 5
    assert "forced" in written(console)


def test_grandchildren_end_with_their_parent(console, python, tmp_path):
    code = f"""
        import subprocess, sys
        print(subprocess.Popen([sys.executable, "-c", {SLEEPER!r}]).pid)
        import time
        for _ in range(600): time.sleep(0.1)
    """
    with Supervisor(console) as supervisor:
        child = python("parent", code)
        child.is_ready = lambda: child.log.exists() and child.log.read_text().strip().isdigit()
        supervisor.start(child)
        supervisor.wait_ready()
        grandchild = psutil.Process(int(child.log.read_text()))
    assert all_gone([grandchild], seconds=1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a killed parent")
def test_killed_supervisor_leaves_no_process(tmp_path):
    code = f"""
        import sys
        from pathlib import Path
        from webapp.console import Console
        from webapp.processes import spawn
        from webapp.supervisor import Child, Supervisor
        log = Path({str(tmp_path)!r}) / "child.log"
        argv = [sys.executable, "-c", {SLEEPER!r}]
        with Supervisor(Console()) as supervisor:
            supervisor.start(*[Child(n, lambda: spawn(argv, log=log), log) for n in "abc"])
            supervisor.wait_ready()
            print("all there", flush=True)
            supervisor.watch()
    """
    launcher = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    with launcher:
        assert launcher.stdout is not None
        while launcher.stdout.readline() != "all there\n":
            assert launcher.poll() is None
        children = psutil.Process(launcher.pid).children(recursive=True)
        assert len(children) == 3
        launcher.kill()
        launcher.wait()
    assert all_gone(children, seconds=3)


def is_gone(process: psutil.Process) -> bool:
    """Tell whether a process has ended, be it not yet reaped by a container's first process."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def all_gone(processes: list[psutil.Process], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not all(map(is_gone, processes)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
