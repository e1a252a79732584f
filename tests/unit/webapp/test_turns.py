"""Turns that are taken one after another."""

from __future__ import annotations

import threading

import gevent
import pytest
from gevent.event import Event
from processes import wait_for

from webapp.turns import Turns


def test_turns_come_in_order_and_nobody_overtakes() -> None:
    turns = Turns(1)
    assert turns.take(0.1, lambda: True)
    order: list[int] = []

    def wait(number: int) -> None:
        assert turns.take(0.1, lambda: True)
        order.append(number)
        turns.give_back()

    waiting = []
    for number in range(5):
        waiting.append(threading.Thread(target=wait, args=(number,)))
        waiting[-1].start()
        wait_for(lambda place=number: len(turns._waiting) == place + 1, 5, "a place in line")
    turns.give_back()
    wait(5)
    for one in waiting:
        one.join(5)
    assert order == [0, 1, 2, 3, 4, 5]
    assert turns.take(0.1, lambda: False)  # the one there is, at once


def test_whoever_does_not_wait_on_leaves_the_turn_to_others() -> None:
    turns = Turns(1)
    assert turns.take(0.1, lambda: True)
    assert not turns.take(0.01, lambda: False)
    turns.give_back()
    assert turns.take(0.1, lambda: False)


def test_whoever_is_broken_off_leaves_no_turn_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a time-out of gevent, also in the moment in which the turn came."""
    monkeypatch.setattr(threading, "Event", Event)
    turns = Turns(1)
    assert turns.take(0.1, lambda: True)
    broken = [gevent.spawn(turns.take, 5, lambda: True) for _ in range(2)]
    gevent.sleep(0)
    broken[0].kill()
    turns.give_back()  # to the second
    broken[1].kill()
    if broken[1].value is True:  # it had been woken already, and the turn is its own
        turns.give_back()
    assert turns.take(0.1, lambda: False)
