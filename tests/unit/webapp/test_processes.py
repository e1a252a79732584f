"""Children forked from the launcher share its memory, and nothing else that is its own."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from webapp.processes import (
    Process,
    describe_exit,
    end_group,
    fork,
    free_port,
    has_ended,
    is_free,
    last_lines,
    rotate,
    spawn,
    waits_for_end,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forking is for Linux only")


def run_forked(log: Path, run: Callable[[], object], **more: object) -> int:
    process = fork(run, name="try", log=log, **more)  # type: ignore[arg-type]
    assert waits_for_end(process, 10)
    return process.wait()


def test_forked_child_writes_to_its_log_and_finds_its_environment(tmp_path):
    log = tmp_path / "log"
    code = run_forked(log, lambda: print(os.environ["ONLY_FOR_IT"]), env={"ONLY_FOR_IT": "seen"})
    assert code == 0
    assert log.read_text() == "seen\n"
    assert "ONLY_FOR_IT" not in os.environ
    assert log.stat().st_mode & 0o777 == 0o600


def test_exit_codes_are_those_of_a_program(tmp_path):
    log = tmp_path / "log"

    def fails() -> None:
        raise ValueError("what went wrong")

    assert run_forked(log, fails) == 1
    assert "what went wrong" in log.read_text()
    assert run_forked(log, lambda: sys.exit(3)) == 3
    assert run_forked(log, lambda: sys.exit("a sentence")) == 1
    assert log.read_text().endswith("a sentence\n")
    assert run_forked(log, lambda: os.kill(os.getpid(), signal.SIGKILL)) == -signal.SIGKILL


def test_forked_child_keeps_no_open_file_and_no_handler_of_its_parent(tmp_path):
    secret = os.open(tmp_path / "secret", os.O_RDWR | os.O_CREAT)
    log = tmp_path / "log"
    handled = signal.signal(signal.SIGTERM, lambda *_: None)

    def look() -> None:
        print(Path(f"/proc/self/fd/{secret}").exists(), os.getsid(0) == os.getpid())
        print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)

    try:
        assert run_forked(log, look) == 0
    finally:
        signal.signal(signal.SIGTERM, handled)
        os.close(secret)
    assert log.read_text() == "False True\nTrue\n"


def test_forked_child_is_handed_the_socket_it_is_to_serve(tmp_path):
    """By systemd's protocol, which gunicorn speaks; and no other of the launcher's files."""
    log = tmp_path / "log"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def look() -> None:
            given = socket.socket(fileno=3)
            named = (os.environ["LISTEN_FDS"], os.environ["LISTEN_PID"] == str(os.getpid()))
            print(
                given.getsockname()[1],
                os.get_inheritable(3),
                named,
                len(list(Path("/proc/self/fd").iterdir())),
            )

        assert run_forked(log, look, listener=listener) == 0
        port = listener.getsockname()[1]
    assert log.read_text() == f"{port} True ('1', True) 5\n"  # and the folder it lists
    assert "LISTEN_PID" not in os.environ


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_ended_child_is_known_before_it_is_reaped(tmp_path, way):
    log = tmp_path / "log"
    process: Process
    if way == "fork":
        process = fork(lambda: time.sleep(0.2), name="short", log=log)
    else:
        process = spawn([sys.executable, "-c", "import time; time.sleep(0.2)"], log=log)
    assert not has_ended(process)
    assert waits_for_end(process, 10)
    assert process.returncode is None
    assert Path(f"/proc/{process.pid}").exists(), "its number is still its own"
    assert end_group(process) == 0
    assert has_ended(process)


def test_names_of_exits():
    assert describe_exit(3) == "exit code 3"
    assert describe_exit(-9) == "killed by SIGKILL"


def test_logs_rotate_by_size_and_three_are_kept(tmp_path):
    log = tmp_path / "web.log"
    for number in range(6):
        log.write_text(f"{number}" * 11)
        rotate(log, limit=10)
    kept = {path.name: path.read_text()[0] for path in tmp_path.iterdir()}
    assert kept == {"web.log.1": "5", "web.log.2": "4", "web.log.3": "3"}
    log.write_text("short")
    rotate(log, limit=10)
    assert log.read_text() == "short"


def test_last_lines_of_a_long_log(tmp_path):
    log = tmp_path / "log"
    log.write_text("\n".join(f"line {number}" for number in range(10_000)))
    assert last_lines(log, 2) == ["line 9998", "line 9999"]
    assert last_lines(tmp_path / "none") == []


def test_free_port_goes_to_the_next_one():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert not is_free(port)
        assert free_port(port) != port
        assert free_port(port + 1, taken=[port + 1]) != port + 1
