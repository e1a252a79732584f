"""A thousand open pages: sockets that read events and note when each came."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

Event = tuple[str, int, float]  # job, version, when it came
VERSION = re.compile(rb"(?:^|\n)id: (\d+)\n")
# People do not all come in the same moment.
AT_ONCE = 40


class Watcher(asyncio.Protocol):
    """One open stream; what comes is noted when it comes, and as cheaply as can be."""

    def __init__(self, port: int, job_id: str, token: str, seen: list[Event]) -> None:
        self.answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._request = (
            f"GET /api/v1/jobs/{job_id}/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n"
        ).encode()
        self._job_id = job_id
        self._seen = seen

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Note each event in what came; an event comes in one piece."""
        now = time.monotonic()
        for found in VERSION.finditer(data):
            self._seen.append((self._job_id, int(found[1]), now))
        if not self.answered.done():
            self.answered.set_result(data.startswith(b"HTTP/1.1 200 "))


async def open_stream(
    port: int, job_id: str, token: str, seen: list[Event], door: asyncio.Semaphore
) -> None:
    """Open the stream of a job, which then goes on by itself."""
    async with door:
        loop = asyncio.get_running_loop()
        _, watcher = await loop.create_connection(
            lambda: Watcher(port, job_id, token, seen), "127.0.0.1", port
        )
        if not await watcher.answered:
            raise SystemExit("a watcher was refused")


async def main() -> None:
    """Read who watches what, watch, and tell what came once standard input ends."""
    asked = json.loads(sys.stdin.readline())
    seen: list[Event] = []
    door = asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as group:
        for one in asked["watched"]:
            group.create_task(open_stream(asked["port"], *one, seen, door))
    while len(seen) < len(asked["watched"]):
        await asyncio.sleep(0.05)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    json.dump(seen, sys.stdout)


asyncio.run(main())
