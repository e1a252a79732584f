"""How often a site is asked: by several processes' worth of threads, with Redis and without."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import redis

from models import Settings
from tasks.errors import Cancelled
from tasks.providers.job_board import pace as pace_module
from tasks.providers.job_board.base import BoardError
from tasks.providers.job_board.pace import Pace

INTERVAL = 0.2


def go_on() -> None:
    """Nobody asks for a stop."""


@pytest.fixture
def client(settings: Settings) -> redis.Redis:  # type: ignore[type-arg]
    client = redis.Redis.from_url(settings.redis_url.get_secret_value())
    for key in client.scan_iter("textback:pace:*"):
        client.delete(key)
    return client


@pytest.fixture
def new_pace(client: redis.Redis) -> Callable[..., Pace]:  # type: ignore[type-arg]
    def make(interval_seconds: float = INTERVAL) -> Pace:
        return Pace(lambda: client, interval_seconds=interval_seconds, processes=2)

    return make


def test_all_workers_together_keep_the_distance(new_pace: Callable[..., Pace]) -> None:
    asked: list[float] = []
    began = time.monotonic()  # the first turn is given after this, whenever its thread goes on

    def work() -> None:
        pace = new_pace()  # a worker of its own
        for _ in range(2):
            pace.wait_for_turn("indeed", go_on)
            asked.append(time.monotonic())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asked.sort()
    assert len(asked) == 8
    # Turns are given by the millisecond; waking up is not that exact.
    for number, moment in enumerate(asked):
        assert moment - began >= number * INTERVAL - 0.05


def test_sites_do_not_wait_for_each_other(new_pace: Callable[..., Pace]) -> None:
    began = time.monotonic()
    for site in ("indeed", "linkedin", "google"):
        new_pace().wait_for_turn(site, go_on, 60)
    assert time.monotonic() - began < 30


def test_a_turn_too_far_away_is_not_waited_for(
    new_pace: Callable[..., Pace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "MOST_WAIT_SECONDS", 0.1)
    new_pace(60).wait_for_turn("indeed", go_on)
    with pytest.raises(BoardError, match="Too many searches wait") as refused:
        new_pace().wait_for_turn("indeed", go_on)
    assert refused.value.status == "skipped"


def test_a_site_that_rests_is_asked_by_nobody(
    new_pace: Callable[..., Pace],
    client: redis.Redis,  # type: ignore[type-arg]
) -> None:
    new_pace().let_rest("indeed")
    with pytest.raises(BoardError, match="a short while ago"):
        new_pace().wait_for_turn("indeed", go_on)
    new_pace().wait_for_turn("linkedin", go_on)
    assert 0 < client.ttl("textback:pace:indeed:cooling") <= pace_module.COOLING_SECONDS


def test_a_wish_to_stop_ends_the_waiting(new_pace: Callable[..., Pace]) -> None:
    def stop() -> None:
        raise Cancelled

    new_pace(60).wait_for_turn("indeed", go_on)
    with pytest.raises(Cancelled):
        new_pace().wait_for_turn("indeed", stop, 60)


def test_nothing_is_left_in_redis_for_long(
    new_pace: Callable[..., Pace],
    client: redis.Redis,  # type: ignore[type-arg]
) -> None:
    new_pace(60).wait_for_turn("indeed", go_on)
    assert 0 < client.pttl("textback:pace:indeed") <= 61_000


def test_without_redis_the_whole_distance_is_kept_before_each_request() -> None:
    """As many times over as a worker has processes, and one after the other in each."""
    away = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    asked: list[float] = []
    began = time.monotonic()

    def work() -> None:
        pace = Pace(lambda: away, interval_seconds=0.1, processes=2)
        pace.wait_for_turn("indeed", go_on)
        asked.append(time.monotonic() - began)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asked.sort()
    assert all(moment >= 0.2 * (number + 1) for number, moment in enumerate(asked))


def test_without_redis_a_rest_is_no_error() -> None:
    away = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    Pace(lambda: away, interval_seconds=1, processes=1).let_rest("indeed")
