"""The proxy itself: each fault it makes is the fault it says it makes."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest
from processes import wait_for

from faults.proxy import DOWN, UP, Effect, Proxy

SOON = 5.0


class _Echo(socketserver.BaseRequestHandler):
    """Says back what it hears, and remembers it."""

    def handle(self) -> None:
        while data := self.request.recv(65_536):
            self.server.heard.append(data)  # type: ignore[attr-defined]
            self.request.sendall(data)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Echo)
        self.heard: list[bytes] = []

    def handle_error(self, *_: object) -> None:
        """A reset is what is being tested."""


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def proxy(server: _Server) -> Iterator[Proxy]:
    proxy = Proxy("127.0.0.1", server.server_address[1])
    yield proxy
    proxy.close()


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with connect(proxy) as client:
        yield client


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=SOON)


def say(client: socket.socket, words: bytes) -> bytes:
    """Send and return what comes back, all of it."""
    client.sendall(words)
    return hear(client, len(words))


def hear(client: socket.socket, length: int) -> bytes:
    heard = b""
    while len(heard) < length and (part := client.recv(65_536)):
        heard += part
    return heard


def is_silent(client: socket.socket, seconds: float = 0.3) -> bool:
    """Tell whether nothing comes for a while."""
    client.settimeout(seconds)
    try:
        return client.recv(1) is None
    except TimeoutError:
        return True
    finally:
        client.settimeout(SOON)


def test_passes_and_counts(proxy: Proxy, client: socket.socket) -> None:
    much = bytes(range(256)) * 4096
    assert say(client, much) == much
    assert proxy.passed == {UP: len(much), DOWN: len(much)}
    assert proxy.through("redis://:word@10.0.0.1:1/0") == f"redis://:word@127.0.0.1:{proxy.port}/0"


def test_cut_resets_what_is_and_what_comes(proxy: Proxy, client: socket.socket) -> None:
    say(client, b"hello")
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with pytest.raises(OSError), connect(proxy) as late:
        late.sendall(b"hello")
        assert late.recv(1), "closed politely"
    proxy.heal()
    with connect(proxy) as new:
        assert say(new, b"again") == b"again"


def test_stall_holds_back_and_loses_nothing(proxy: Proxy, client: socket.socket) -> None:
    proxy.stall()
    client.sendall(b"hello")
    with connect(proxy) as late:  # it still accepts
        late.sendall(b"later")
        assert is_silent(client)
        proxy.heal()
        assert hear(client, 5) == b"hello"
        assert hear(late, 5) == b"later"


def test_stall_of_one_direction(proxy: Proxy, client: socket.socket, server: _Server) -> None:
    proxy.stall(DOWN)
    client.sendall(b"hello")
    wait_for(lambda: server.heard == [b"hello"], 5, "the word")
    assert is_silent(client)
    proxy.heal()
    assert hear(client, 5) == b"hello"


def test_swallowed_connections_stay_half_open(
    proxy: Proxy, client: socket.socket, server: _Server
) -> None:
    proxy.swallow()
    client.sendall(b"hello")
    assert is_silent(client)
    proxy.heal()
    client.sendall(b"anybody there?")
    assert is_silent(client)
    assert server.heard == []
    client.close()  # the server does not hear of it
    with connect(proxy) as new:
        assert say(new, b"again") == b"again"
    assert proxy.connections >= 1


def test_delay_and_its_end(proxy: Proxy, client: socket.socket) -> None:
    proxy.delay(0.3, UP)
    began = time.monotonic()
    assert say(client, b"hello") == b"hello"
    assert 0.3 <= time.monotonic() - began < 2
    proxy.delay(30)
    client.sendall(b"hello")
    proxy.heal()
    assert hear(client, 5) == b"hello"


def test_trickle_and_its_end(proxy: Proxy, client: socket.socket) -> None:
    proxy.trickle(DOWN, bytes_per_second=10)
    began = time.monotonic()
    assert say(client, b"hello") == b"hello"
    assert 0.5 <= time.monotonic() - began < 3
    proxy.trickle(DOWN)
    client.sendall(b"a long story")
    assert client.recv(20) == b"a"
    proxy.heal()
    assert hear(client, 11) == b" long story"


def test_server_that_is_away_is_a_reset(server: _Server) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        proxy = Proxy("127.0.0.1", probe.getsockname()[1])
        with pytest.raises(ConnectionResetError), connect(proxy) as client:
            client.recv(1)
        proxy.close()


@pytest.mark.parametrize("effect", list(Effect))
def test_trap_acts_on_the_last_of_its_words(
    proxy: Proxy, client: socket.socket, server: _Server, effect: Effect
) -> None:
    trap = proxy.trap(b"insert", b"commit", effect=effect)
    assert say(client, b"commit; ") == b"commit; "  # not yet
    assert say(client, b"insert; ") == b"insert; "
    client.sendall(b"commit; ")
    assert trap.sprung.wait(SOON)
    is_held = effect in (Effect.HOLD_REQUEST, Effect.HOLD_REPLY)
    if is_held:
        assert is_silent(client)
    else:
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    reached = effect in (Effect.HOLD_REPLY, Effect.LOSE_REPLY)
    assert trap.replied.wait(SOON if reached else 0) is reached
    assert (server.heard[2:] == [b"commit; "]) is reached
    with connect(proxy) as other:  # once, on one connection
        assert say(other, b"insert; commit; ") == b"insert; commit; "
    proxy.heal()
    if is_held:
        assert hear(client, 8) == b"commit; "
