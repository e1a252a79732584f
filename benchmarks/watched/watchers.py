"""A thousand open pages: sockets that read events and note when each came."""

from __future__ import annotations

import asyncio
import json
import sys
import time


async def watch(port: int, job_id: str, token: str, seen: list[tuple[str, int, float]]) -> None:
    """Follow one job until the server or the measurement ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    request = (
        f"GET /api/v1/jobs/{job_id}/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n"
    )
    writer.write(request.encode())
    status = await reader.readline()
    if b" 200 " not in status:
        raise SystemExit(f"a watcher was refused: {status!r}")
    while line := await reader.readline():
        if line.startswith(b"id: "):
            seen.append((job_id, int(line[4:]), time.monotonic()))


async def main() -> None:
    """Read who watches what, watch, and tell what came once standard input ends."""
    asked = json.loads(sys.stdin.readline())
    seen: list[tuple[str, int, float]] = []
    tasks = [asyncio.create_task(watch(asked["port"], *one, seen)) for one in asked["watched"]]
    while len(seen) < len(tasks):
        await asyncio.sleep(0.05)
        for task in tasks:
            if task.done():
                task.result()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    json.dump(seen, sys.stdout)


asyncio.run(main())
