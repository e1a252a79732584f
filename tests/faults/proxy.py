"""A TCP proxy between the product and its servers: what passes is decided while it runs.

Each direction is a lane of its own: `UP` from the client to the server, `DOWN` back. The kernel at
the proxy's end goes on acknowledging what it gets, so keep-alives and TCP's own timeouts notice
nothing: only what the product itself limits can help it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

UP: Literal["up"] = "up"
DOWN: Literal["down"] = "down"
Direction = Literal["up", "down"]

_CHUNK = 65_536
# Requests may be sent before earlier answers are read: the last answer comes a moment later.
_PIPELINED_SECONDS = 0.1
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset instead of a farewell


class Mode(StrEnum):
    """What a lane does with what it is given."""

    PASS = "pass"
    STALL = "stall"
    SWALLOW = "swallow"
    DELAY = "delay"
    TRICKLE = "trickle"


class Effect(StrEnum):
    """What a sprung trap does."""

    HOLD_REQUEST = "hold the request"
    HOLD_REPLY = "hold the reply"
    LOSE_REQUEST = "lose the request"
    LOSE_REPLY = "lose the reply"


@dataclass
class Trap:
    """Waits on every connection for these words from the client, in this order, and acts once.

    Capitals make no difference.

    Attributes:
        sprung: set when it has acted; the request has reached the server unless it is held or lost.
        replied: set when the server has answered the request.
    """

    words: tuple[bytes, ...]
    effect: Effect
    sprung: threading.Event = field(default_factory=threading.Event)
    replied: threading.Event = field(default_factory=threading.Event)


@dataclass
class _Lane:
    """How one direction is treated now."""

    mode: Mode = Mode.PASS
    seconds: float = 0.0
    bytes_per_second: float = 1.0


@dataclass(eq=False)
class _Link:
    """One connection of a client and its twin to the server."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    is_dead: bool = False  # bytes of it were swallowed, so it never passes any more
    words_seen: int = 0
    holds: set[Direction] = field(default_factory=set)
    loses_reply: bool = False

    def reset(self) -> None:
        """Break both ends off."""
        for writer in filter(None, (self.client, self.server)):
            end = writer.transport.get_extra_info("socket")
            with contextlib.suppress(OSError, AttributeError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()


class Proxy:
    """Listens on a free port of loopback and hands everything on to one server."""

    def __init__(self, host: str, port: int) -> None:
        """Start listening; the server is asked for at each connection."""
        self._target = (host, port)
        self._lanes: dict[Direction, _Lane] = {UP: _Lane(), DOWN: _Lane()}
        self._is_cut = False
        self._links: set[_Link] = set()
        self._trap: Trap | None = None
        self.passed: dict[Direction, int] = {UP: 0, DOWN: 0}
        self.accepted = 0
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server = self._wait(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    @classmethod
    def to(cls, url: str) -> Proxy:
        """Stand in front of the server of a URL."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        return cls(parts.hostname, parts.port)

    def through(self, url: str) -> str:
        """Return the same URL by way of this proxy."""
        parts = urlsplit(url)
        credentials = parts.netloc.rpartition("@")[0]
        place = f"127.0.0.1:{self.port}"
        return urlunsplit(parts._replace(netloc=f"{credentials}@{place}" if credentials else place))

    # What the network does, from now on

    def heal(self) -> None:
        """Pass everything again. Connections of which bytes were swallowed stay silent for ever."""

        def change() -> None:
            self._is_cut = False
            self._trap = None
            for lane in self._lanes.values():
                lane.mode = Mode.PASS
            for link in self._links:
                link.holds.clear()

        self._change(change)

    def cut(self) -> None:
        """Reset every connection, and each new one as soon as it is there."""

        def change() -> None:
            self._is_cut = True
            self._reset_all()

        self._change(change)

    def reset_connections(self) -> None:
        """Break off what is connected now; new connections pass."""
        self._change(self._reset_all)

    def reset_silent(self) -> None:
        """Break off the connections of which bytes were swallowed."""

        def change() -> None:
            for link in tuple(self._links):
                if link.is_dead:
                    link.reset()

        self._change(change)

    def stall(self, *directions: Direction) -> None:
        """Hold everything back; what was held arrives after `heal`."""
        self._set(directions, mode=Mode.STALL)

    def swallow(self, *directions: Direction) -> None:
        """Take everything and hand nothing on: connections are half-open, and stay it."""
        self._set(directions, mode=Mode.SWALLOW)

    def delay(self, seconds: float, *directions: Direction) -> None:
        """Hand everything on so much later."""
        self._set(directions, mode=Mode.DELAY, seconds=seconds)

    def trickle(self, *directions: Direction, bytes_per_second: float = 1.0) -> None:
        """Hand on a byte at a time."""
        self._set(directions, mode=Mode.TRICKLE, bytes_per_second=bytes_per_second)

    def trap(self, *words: bytes, effect: Effect) -> Trap:
        """Act on the first connection that sends these words in this order, from now on."""
        trap = Trap(words, effect)

        def change() -> None:
            self._trap = trap
            for link in self._links:
                link.words_seen = 0

        self._change(change)
        return trap

    @property
    def connections(self) -> int:
        """How many connections there are now."""
        return len(self._links)

    def close(self) -> None:
        """Break everything off and listen no more."""

        async def end() -> None:
            self._server.close()
            self._reset_all()
            own = asyncio.current_task()
            tasks = [task for task in asyncio.all_tasks() if task is not own]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self._wait(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    # In the proxy's own thread

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def _change(self, change: Callable[[], None]) -> None:
        async def apply() -> None:
            change()
            # Whoever waits looks anew.
            self._changed.set()
            self._changed = asyncio.Event()

        self._wait(apply())

    def _set(self, directions: tuple[Direction, ...], **values: Any) -> None:
        def change() -> None:
            for direction in directions or (UP, DOWN):
                for name, value in values.items():
                    setattr(self._lanes[direction], name, value)

        self._change(change)

    def _reset_all(self) -> None:
        for link in tuple(self._links):
            link.reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(writer)
        self.accepted += 1
        if self._is_cut:
            link.reset()
            return
        self._links.add(link)
        try:
            answers, link.server = await asyncio.open_connection(*self._target)
            lanes = (
                self._carry(link, UP, reader, link.server),
                self._carry(link, DOWN, answers, writer),
            )
            tasks = [asyncio.ensure_future(lane) for lane in lanes]
            _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            # A farewell in one direction: give the other a moment to say its last. Where nothing
            # passes any more a farewell does not either, and the other end never hears of it.
            if pending:
                await asyncio.wait(pending, timeout=None if link.is_dead else 0.2)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        except OSError:
            pass  # the server is away: the client is reset, as by a kernel that has nobody there
        except asyncio.CancelledError:
            pass  # the proxy closes
        finally:
            self._links.discard(link)
            link.reset()

    async def _carry(
        self,
        link: _Link,
        direction: Direction,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def read() -> None:
            data = b"?"
            while data:
                try:
                    data = await reader.read(_CHUNK)
                except OSError:
                    data = b""
                waiting.put_nowait((self._loop.time(), data))

        reading = asyncio.ensure_future(read())
        try:
            while True:
                came_at, data = await waiting.get()
                if not data:
                    return
                await self._hand_on(link, direction, writer, came_at, data)
        except OSError:
            return
        finally:
            reading.cancel()

    async def _hand_on(
        self,
        link: _Link,
        direction: Direction,
        writer: asyncio.StreamWriter,
        came_at: float,
        data: bytes,
    ) -> None:
        if direction == UP:
            self._look_for_trap(link, data)
        elif link.loses_reply:
            self._note_reply(link)
            await asyncio.sleep(_PIPELINED_SECONDS)
            link.reset()
            return
        rest = data
        while rest:
            lane = self._lanes[direction]
            if link.is_dead or lane.mode is Mode.SWALLOW:
                link.is_dead = True
                return
            part = rest
            if direction in link.holds or lane.mode is Mode.STALL:
                if direction == DOWN and link.holds:
                    self._note_reply(link)
                await self._changed.wait()
                continue
            if lane.mode is Mode.DELAY:
                left = came_at + lane.seconds - self._loop.time()
                if left > 0 and await self._changes_within(left):
                    continue
            elif lane.mode is Mode.TRICKLE:
                if await self._changes_within(1 / lane.bytes_per_second):
                    continue
                part = rest[:1]
            rest = rest[len(part) :]
            self.passed[direction] += len(part)
            writer.write(part)
            await writer.drain()

    async def _changes_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _note_reply(self, link: _Link) -> None:
        if self._trap is not None and link.words_seen == len(self._trap.words):
            self._trap.replied.set()

    def _look_for_trap(self, link: _Link, data: bytes) -> None:
        trap = self._trap
        if trap is None or trap.sprung.is_set():
            return
        place, data = 0, data.lower()
        while link.words_seen < len(trap.words):
            place = data.find(trap.words[link.words_seen].lower(), place)
            if place < 0:
                return
            link.words_seen += 1
        if trap.effect is Effect.HOLD_REQUEST:
            link.holds.add(UP)
        elif trap.effect is Effect.HOLD_REPLY:
            link.holds.add(DOWN)
        elif trap.effect is Effect.LOSE_REPLY:
            link.loses_reply = True
        else:
            link.is_dead = True
            link.reset()
        trap.sprung.set()
