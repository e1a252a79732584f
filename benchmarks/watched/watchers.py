"""A thousand open pages: sockets that read events, and when the kernel had each.

The pages of people are elsewhere, so what reading them costs here should not slow what is measured:
the kernel stamps what arrives, and this process looks ten times a second.
"""

from __future__ import annotations

import json
import re
import select
import socket
import struct
import sys
import time

# Linux' own numbers (asm-generic/socket.h): Python names neither.
SO_TIMESTAMPNS = 35
STAMP = struct.Struct("qq")  # seconds, nanoseconds
VERSION = re.compile(rb"(?:^|\n)id: (\d+)\n")
LOOK_SECONDS = 0.1
# People do not all come in the same moment.
AT_ONCE = 40

Event = tuple[str, int, float]  # job, version, when it came (Unix time)


class Watcher:
    """One open stream."""

    def __init__(self, port: int, job_id: str, token: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.sendall(
            f"GET /api/v1/jobs/{job_id}/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n".encode()
        )
        self.job_id = job_id
        self.has_answer = False

    def read(self) -> list[Event]:
        """Return the events that came; of several at once, all have the time of the last."""
        data, notes, _, _ = self.socket.recvmsg(65536, 64)
        if not data or not (self.has_answer or data.startswith(b"HTTP/1.1 200 ")):
            raise SystemExit("a watcher was refused or let go")
        self.has_answer = True
        seconds, nanoseconds = STAMP.unpack(notes[0][2])
        came = seconds + nanoseconds / 1e9
        return [(self.job_id, int(found[1]), came) for found in VERSION.finditer(data)]


class Watchers:
    """All of them."""

    def __init__(self) -> None:
        self.seen: list[Event] = []
        self._epoll = select.epoll()
        self._by_number: dict[int, Watcher] = {}

    def open(self, port: int, watched: list[tuple[str, str]]) -> None:
        """Open a stream for each job and token, and see the first event of each."""
        for number, one in enumerate(watched):
            while number - len(self.seen) >= AT_ONCE:
                self.read(0.05)
            watcher = Watcher(port, *one)
            self._by_number[watcher.socket.fileno()] = watcher
            self._epoll.register(watcher.socket, select.EPOLLIN)
        while len(self.seen) < len(watched):
            self.read(0.05)

    def read(self, timeout: float) -> None:
        """Read what is there, or comes within this time."""
        for number, _ in self._epoll.poll(timeout):
            self.seen += self._by_number[number].read()


def main() -> None:
    """Read who watches what, watch, and tell what came once standard input ends."""
    asked = json.loads(sys.stdin.readline())
    watchers = Watchers()
    watchers.open(asked["port"], asked["watched"])
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], LOOK_SECONDS)[0]:
        watchers.read(0)
    time.sleep(LOOK_SECONDS)
    watchers.read(0)
    json.dump(watchers.seen, sys.stdout)


main()
