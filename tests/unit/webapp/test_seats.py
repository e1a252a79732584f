"""Seats that are taken one after another."""

from __future__ import annotations

import threading
import time

import gevent
import pytest
from gevent.event import Event
from processes import wait_for

from webapp.seats import Seats


def test_seats_come_in_order_and_nobody_overtakes() -> None:
    seats = Seats(1)
    seats.take(0.1, lambda: True)
    order: list[int] = []

    def wait(number: int) -> None:
        seats.take(0.1, lambda: True)
        order.append(number)
        seats.give_back()

    waiting = []
    for number in range(5):
        waiting.append(threading.Thread(target=wait, args=(number,)))
        waiting[-1].start()
        wait_for(lambda place=number: len(seats._waiting) == place + 1, 5, "a place in line")
    seats.give_back()
    wait(5)
    for one in waiting:
        one.join(5)
    assert order == [0, 1, 2, 3, 4, 5]
    assert seats._free == 1


class Counted(Seats):
    """Seats that say how many were opened."""

    opened = 0

    def _open_for(self, given: threading.Event) -> None:
        self.opened += 1
        super()._open_for(given)


def test_a_seat_that_was_opened_goes_from_hand_to_hand_and_vanishes() -> None:
    """All seats stand still: one more is enough for all who wait for nothing of theirs."""
    seats = Counted(1)
    seats.take(0.1, lambda: True)

    def come_and_go() -> None:
        seats.take(0.1, lambda: time.monotonic() - seats.moved_at < 0.1)
        seats.give_back()

    people = [threading.Thread(target=come_and_go) for _ in range(20)]
    for one in people:
        one.start()
    for one in people:
        one.join(10)
    assert not any(one.is_alive() for one in people)
    assert 1 <= seats.opened <= 5  # not one for each
    assert seats._more == 0
    assert seats._free == 0


def test_whoever_is_broken_off_leaves_no_seat_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a time-out of gevent, also in the moment in which the seat came."""
    monkeypatch.setattr(threading, "Event", Event)
    seats = Seats(1)
    seats.take(0.1, lambda: True)
    broken = [gevent.spawn(seats.take, 5, lambda: True) for _ in range(2)]
    gevent.sleep(0)
    broken[0].kill()
    seats.give_back()  # to the second
    broken[1].kill()
    if broken[1].successful() and not isinstance(broken[1].value, gevent.GreenletExit):
        seats.give_back()  # it had been woken already, and the seat is its own
    assert (seats._free, list(seats._waiting)) == (1, [])


def test_at_a_standstill_seats_are_opened_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or a process that got no turn for a moment has all who wait open a connection each."""
    monkeypatch.setattr(threading, "Event", Event)
    seats = Seats(1)
    seats.take(0.1, lambda: True)
    began, went_on = time.monotonic(), []

    def go_on() -> None:
        seats.take(0.1, lambda: time.monotonic() - seats.moved_at < 0.1)
        went_on.append(time.monotonic() - began)

    gevent.joinall([gevent.spawn(go_on) for _ in range(3)], raise_error=True)
    assert [waited >= 0.1 * turn for turn, waited in enumerate(went_on, 1)] == [True] * 3
