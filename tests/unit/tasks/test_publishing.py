"""The thread that publishes: in order, together where that may be, and never in the way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from typing import Any

import pytest

from tasks import publishing
from tasks.publishing import flush, publish_later, publish_together


class Sent:
    """What was sent together, batch by batch; the first batch can be held up."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.began = threading.Event()
        self.go_on = threading.Event()

    def send(self, items: Collection[Any]) -> None:
        self.batches.append(list(items))
        self.began.set()
        self.go_on.wait(5)


def test_what_comes_while_one_is_sent_goes_together_and_once() -> None:
    sent = Sent()
    send = sent.send
    publish_together(send, "first")
    assert sent.began.wait(5)
    for item in ("a", "b", "a", "c", "b"):
        publish_together(send, item)
    sent.go_on.set()
    flush()
    assert sent.batches == [["first"], ["a", "b", "c"]]


def test_a_single_one_is_sent_at_once() -> None:
    flush()
    sent = Sent()
    sent.go_on.set()
    publish_together(sent.send, "alone")
    assert sent.began.wait(5)


def test_hints_keep_their_order_and_do_not_wait_for_what_is_gathered() -> None:
    done: list[int] = []
    last = threading.Event()
    for number in range(100):
        publish_later(lambda number=number: done.append(number))  # type: ignore[misc]
    publish_later(last.set)
    assert last.wait(5)
    assert done == list(range(100))


def test_a_failure_is_forgotten_and_the_next_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    sent = Sent()
    sent.go_on.set()

    def fail(*_: object) -> None:
        raise ConnectionError

    flush()
    with caplog.at_level(logging.WARNING):
        publish_together(fail, "lost")
        publish_later(fail)
        publish_together(sent.send, "kept")
        flush()
    assert sent.batches == [["kept"]]
    assert caplog.text.count("not published") == 2


def test_many_threads_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "GATHER_SECONDS", 0.0)
    sent = Sent()
    sent.go_on.set()
    send = sent.send

    def work(name: int) -> None:
        for number in range(500):
            publish_together(send, (name, number))

    threads = [threading.Thread(target=work, args=[name]) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    flush()
    assert sorted(item for batch in sent.batches for item in batch) == [
        (name, number) for name in range(4) for number in range(500)
    ]
