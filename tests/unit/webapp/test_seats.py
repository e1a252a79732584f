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
    assert seats.take(0.1, lambda: True)
    order: list[int] = []

    def wait(number: int) -> None:
        assert seats.take(0.1, lambda: True)
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
    assert seats.take(0.1, lambda: False)  # the one there is, at once


def test_whoever_does_not_wait_on_leaves_the_seat_to_others() -> None:
    seats = Seats(1)
    assert seats.take(0.1, lambda: True)
    assert not seats.take(0.01, lambda: False)
    seats.give_back()
    assert seats.take(0.1, lambda: False)


def test_whoever_is_broken_off_leaves_no_seat_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a time-out of gevent, also in the moment in which the seat came."""
    monkeypatch.setattr(threading, "Event", Event)
    seats = Seats(1)
    assert seats.take(0.1, lambda: True)
    broken = [gevent.spawn(seats.take, 5, lambda: True) for _ in range(2)]
    gevent.sleep(0)
    broken[0].kill()
    seats.give_back()  # to the second
    broken[1].kill()
    if broken[1].value is True:  # it had been woken already, and the seat is its own
        seats.give_back()
    assert seats.take(0.1, lambda: False)


def test_at_a_standstill_people_go_on_without_a_seat_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or a process that got no turn for a moment has all who wait open a connection each."""
    monkeypatch.setattr(threading, "Event", Event)
    seats = Seats(1)
    assert seats.take(0.1, lambda: True)
    began, went_on = time.monotonic(), []

    def go_on() -> None:
        assert not seats.take(0.1, lambda: time.monotonic() - seats.moved_at < 0.1)
        went_on.append(time.monotonic() - began)

    gevent.joinall([gevent.spawn(go_on) for _ in range(3)], raise_error=True)
    assert [waited >= 0.1 * turn for turn, waited in enumerate(went_on, 1)] == [True] * 3
