"""How often a site is asked: rarely, by all workers together."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

import redis

from tasks.providers.job_board.base import MESSAGES, BoardError

log = logging.getLogger(__name__)

MOST_WAIT_SECONDS = 120  # for a turn; a search that would wait longer goes on without the site
COOLING_SECONDS = 900  # in which nobody asks a site that said "too many requests"
SLICE_SECONDS = 0.25

_KEY = "textback:pace:"
_COOLING = -2
_CROWDED = -1

# Takes the next turn and says in how many milliseconds it is. By the clock of Redis alone, so that
# workers whose clocks differ keep the same distance.
_TAKE_TURN = """
if redis.call('EXISTS', KEYS[2]) == 1 then return -2 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local turn = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
if turn - now > tonumber(ARGV[2]) then return -1 end
local next = turn + tonumber(ARGV[1])
local kept = string.format('%.0f', next - now + 1000)
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', kept)
return turn - now
"""

_local_lock = threading.Lock()


class Pace:
    """Turns at asking sites, in Redis.

    While Redis is away each process waits for itself: the whole distance before every request, as
    many times over as a worker has processes. No new job reaches a worker then, so those that ask
    are the few that run already; together they are slower than they may be, never faster.
    """

    def __init__(
        self,
        client: Callable[[], redis.Redis],
        *,
        interval_seconds: float,
        processes: int,
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            client: gives this process's line to Redis.
            interval_seconds: the least time between two requests to one site.
            processes: how many of a worker may ask at the same time.
        """
        self._client = client
        self._interval_seconds = interval_seconds
        self._processes = processes

    def wait_for_turn(
        self, site: str, pause: Callable[[], None], interval_seconds: float | None = None
    ) -> None:
        """Wait until the site may be asked.

        Args:
            site: each has turns of its own.
            pause: called between short sleeps; whatever it raises ends the waiting.
            interval_seconds: another least time than that of all sites.

        Raises:
            BoardError: `skipped`; the site wants rest, or too many are before us.
        """
        interval = self._interval_seconds if interval_seconds is None else interval_seconds
        try:
            milliseconds = int(
                self._client().register_script(_TAKE_TURN)(
                    keys=[f"{_KEY}{site}", f"{_KEY}{site}:cooling"],
                    args=[round(interval * 1000), MOST_WAIT_SECONDS * 1000],
                )
            )
        except redis.RedisError as error:
            log.warning("pace without Redis site=%s error=%s", site, type(error).__name__)
            with _local_lock:
                _sleep(interval * self._processes * random.uniform(1, 1.5), pause)  # noqa: S311
            return
        if milliseconds == _COOLING:
            raise BoardError("skipped", MESSAGES["cooling"])
        if milliseconds == _CROWDED:
            raise BoardError("skipped", MESSAGES["crowded"])
        _sleep(milliseconds / 1000, pause)

    def let_rest(self, site: str) -> None:
        """Have nobody ask the site for COOLING_SECONDS."""
        try:
            self._client().set(f"{_KEY}{site}:cooling", "1", ex=COOLING_SECONDS)
        except redis.RedisError as error:
            log.warning("rest not kept site=%s error=%s", site, type(error).__name__)


def _sleep(seconds: float, pause: Callable[[], None]) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(SLICE_SECONDS, left))
        pause()
