"""The thread that all attempts of a process share."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from tasks import pulse as pulse_module
from tasks.pulse import Pulse, pulse, replace_pulse


class Heart:
    """Notes who looked after it."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.seen = threading.Event()

    def look(self) -> None:
        self.threads.append(threading.current_thread())
        self.seen.set()


class Broken(Heart):
    """Fails at each look."""

    def look(self) -> None:
        super().look()
        raise ArithmeticError


def test_one_thread_serves_one_attempt_after_the_other() -> None:
    shared = Pulse()
    hearts = [Heart() for _ in range(3)]
    for heart in hearts:
        shared.add(heart)
        assert heart.seen.wait(5)
        shared.remove(heart)
    assert len({thread for heart in hearts for thread in heart.threads}) == 1


def test_what_ends_at_once_is_not_looked_at() -> None:
    """Nor does it wake anybody: a short job pays for no other thread."""
    shared = Pulse()
    hearts = [Heart() for _ in range(200)]
    for heart in hearts:
        shared.add(heart)
        shared.remove(heart)
    last = Heart()
    shared.add(last)
    assert last.seen.wait(5)
    assert not any(heart.threads for heart in hearts)


def test_it_sleeps_while_nothing_is_in_work_and_wakes_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pulse_module, "REST_SECONDS", 0.0)
    shared = Pulse()
    deadline = time.monotonic() + 10
    while not shared.is_asleep:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    heart = Heart()
    shared.add(heart)
    assert heart.seen.wait(5)


def test_a_look_that_fails_takes_the_pulse_from_nobody_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shared = Pulse()
    broken, heart = Broken(), Heart()
    with caplog.at_level(logging.CRITICAL):
        shared.add(broken)
        assert broken.seen.wait(5)
        shared.remove(broken)
        shared.add(heart)
        assert heart.seen.wait(5)


def test_one_that_hangs_is_replaced() -> None:
    hanging = pulse()
    assert pulse() is hanging
    replace_pulse()
    assert pulse() is not hanging
