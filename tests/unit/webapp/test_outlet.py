"""What goes to a reader's socket past the greenlet that holds it open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent.socket import SO_SNDBUF, SOL_SOCKET, socketpair

from webapp.outlet import Outlet


@pytest.fixture
def ends() -> Iterator[tuple[Any, Any]]:
    """Our end, which holds little, and the reader's."""
    ours, theirs = socketpair()
    ours.setsockopt(SOL_SOCKET, SO_SNDBUF, 10_000)
    yield ours, theirs
    ours.close()
    theirs.close()


def test_what_a_reader_has_no_room_for_is_finished_before_anything_else(
    ends: tuple[Any, Any],
) -> None:
    ours, theirs = ends
    outlet = Outlet(ours)
    large = bytes(range(256)) * 1000
    assert outlet.send(b"small")
    assert outlet.is_clear
    assert outlet.send(large)  # begun
    assert not outlet.is_clear
    assert not outlet.send(b"too early")
    finishing = gevent.spawn(outlet.finish)
    came = b""
    with gevent.Timeout(5):
        while len(came) < len(large) + 5:
            came += theirs.recv(65536)
        finishing.get()
    assert came == b"small" + large
    assert outlet.is_clear
    assert outlet.send(b"next")
    assert theirs.recv(65536) == b"next"


def test_a_reader_without_any_room_is_left_to_its_own_greenlet(ends: tuple[Any, Any]) -> None:
    ours, _theirs = ends
    outlet = Outlet(ours)
    with gevent.Timeout(5):
        while outlet.is_clear and outlet.send(bytes(1000)):
            pass
    assert not outlet.send(b"more")
    gevent.sleep(0)
    assert not outlet.send(b"still more")


def test_a_reader_that_is_gone_is_met_by_who_may_wait(ends: tuple[Any, Any]) -> None:
    ours, theirs = ends
    theirs.close()
    outlet = Outlet(ours)
    assert not outlet.send(b"a change")
    assert outlet.is_clear
    with pytest.raises(OSError, match="roken pipe"):
        ours.sendall(b"a change")
