"""Child processes that cannot outlive us: their start, their logs, their ports."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
PR_SET_NAME = 15
HIGHEST_INHERITED_FILE = 256  # the launcher opens a dozen
FIRST_LISTENER = 3  # SD_LISTEN_FDS_START of <systemd/sd-daemon.h>
LOG_BYTES_BEFORE_ROTATION = 5_000_000
ROTATED_LOGS_KEPT = 3

# Loaded here, before any fork: the child must not look for libraries between fork and exec.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Process(Protocol):
    """A child of ours, started one way or the other."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal; None while it runs."""

    def wait(self) -> int:
        """Wait for its end and return its exit code, negative for a signal."""


def spawn(
    argv: Sequence[str | Path],
    *,
    log: Path,
    death_signal: signal.Signals = signal.SIGTERM,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: int | None = None,
    group: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child whose life is tied to ours and whose output is appended to a file.

    The child has a session of its own, so Ctrl-C on the terminal reaches only us and we can stop
    everything in order; its process group is its own id, so it can be stopped with its children.
    On Linux the kernel sends it `death_signal` when we die, even by SIGKILL. Other systems have
    no such call: there a killed launcher leaves its children, and the next start stops them.

    Call it from the main thread: the kernel watches the thread that started the child, not the
    process.
    """
    parent = os.getpid()

    def before_exec() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(death_signal))
            if os.getppid() != parent:  # the parent died before the line above
                os._exit(1)

    identity: dict[str, object] = {}
    if user is not None:
        identity = {"user": user, "group": group, "extra_groups": []}
    with open_log(log) as output:
        return subprocess.Popen(  # type: ignore[call-overload]
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=before_exec,  # noqa: PLW1509 - one system call, loaded before the fork
            **identity,
        )


def fork(
    run: Callable[[], object],
    *,
    name: str,
    log: Path,
    death_signal: signal.Signals = signal.SIGTERM,
    env: Mapping[str, str] | None = None,
    listener: socket.socket | None = None,
) -> "ForkedProcess":
    """Start a child that runs a function, sharing the memory of what is imported here already.

    Everything else is as with `spawn`. Only a process with one thread may do this safely.

    Args:
        run: what the child does; returning or SystemExit(0) is success.
        name: what `ps` and `top` show as its command, at most 15 letters.
        env: what the child finds in its environment, beside what is there.
        listener: a socket for it to serve. It is handed over as systemd does (sd_listen_fds), and
            stays open here: whoever connects while the child is away waits for the next one.
    """
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    with open_log(log) as output:
        pid = os.fork()
        if pid:
            return ForkedProcess(pid)
        code = 1
        try:
            _become_child(parent, name, output, death_signal, listener)
            os.environ.update(env or {})
            run()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
            if code and not isinstance(end.code, int):
                print(end.code, file=sys.stderr)  # noqa: T201 - as the interpreter does
        except BaseException:  # noqa: BLE001 - this is the outermost frame of a process
            traceback.print_exc()
        finally:
            # Never return into the launcher's code, and run none of its exit handlers.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def _become_child(
    parent: int,
    name: str,
    log: IO[bytes],
    death_signal: signal.Signals,
    listener: socket.socket | None,
) -> None:
    """Leave behind what belongs to the launcher: session, signals, terminal, open files."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(sign, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal))
        _libc.prctl(PR_SET_NAME, name.encode()[:15])
        if os.getppid() != parent:
            os._exit(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number in (1, 2):
        os.dup2(log.fileno(), number)
    kept = FIRST_LISTENER
    if listener is not None:
        os.dup2(listener.fileno(), FIRST_LISTENER)
        os.set_inheritable(FIRST_LISTENER, True)  # also where it had that number already
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
        kept += 1
    os.closerange(kept, HIGHEST_INHERITED_FILE)
    # New ones, whatever the launcher had in their place.
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115


class ForkedProcess:
    """A forked child, with what is used of subprocess.Popen."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal; None while it runs."""
        return self._reap(os.WNOHANG)

    def wait(self) -> int:
        """Wait for its end and return its exit code, negative for a signal."""
        code = self._reap(0)
        assert code is not None  # noqa: S101 - without WNOHANG there is one
        return code

    def _reap(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def open_log(path: Path) -> IO[bytes]:
    """Open a log for appending, readable by its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def rotate(path: Path, limit: int = LOG_BYTES_BEFORE_ROTATION) -> None:
    """Move a log past `limit` bytes aside: name.log becomes name.log.1, and so on."""
    if not path.exists() or path.stat().st_size <= limit:
        return
    for number in range(ROTATED_LOGS_KEPT - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    path.replace(path.with_name(f"{path.name}.1"))


def last_lines(path: Path, count: int = 8) -> list[str]:
    """Return the last lines of a log, oldest first; none when there is no such file."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - 16_384))
            text = log.read().decode(errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-count:]


def has_ended(process: Process) -> bool:
    """Tell whether a child has ended, without reaping it: till then nobody gets its number."""
    if process.returncode is not None:
        return True
    try:
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, process.pid, flags) is not None
    except ChildProcessError:
        return process.poll() is not None


def waits_for_end(process: Process, seconds: float) -> bool:
    """Wait for a child to end, without reaping it; tell whether it did."""
    deadline = time.monotonic() + seconds
    while not has_ended(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def send(process: Process, sign: signal.Signals, *, group: bool = False) -> None:
    """Send a signal to a child, or to it and its own children; a reaped one is left alone."""
    if process.returncode is not None:
        return
    try:
        if group:
            os.killpg(process.pid, sign)
        else:
            os.kill(process.pid, sign)
    except (ProcessLookupError, PermissionError):
        pass  # it ended; macOS says "not permitted" of a group of dead ones


def end_group(process: Process) -> int:
    """Kill what is left of a child and its own children, reap it, and return its exit code."""
    send(process, signal.SIGKILL, group=True)
    return process.wait()


def describe_exit(code: int) -> str:
    """Say how a process ended in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether a server could listen there now."""
    with socket.socket() as probe:
        # As servers do: connections of an earlier run that still wind down are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(wanted: int | None = None, host: str = "127.0.0.1", taken: Sequence[int] = ()) -> int:
    """Return `wanted` when it is free, else the next free one of twenty, else any free one."""
    if wanted:
        for port in range(wanted, min(wanted + 20, 65536)):
            if port not in taken and is_free(port, host):
                return port
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
