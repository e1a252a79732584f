"""How much one account and one address may submit: counted in Redis, in memory while it is away."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from functools import cached_property, wraps
from typing import ParamSpec, TypeVar, cast

from flask import Flask, current_app, request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from models import Settings
from webapp.auth import current_person
from webapp.errors import ProblemError

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
_KEY = "textback.limits"
# A submit waits for a stalled Redis this long at the most, and then not again for a while.
_REDIS_SECONDS = 0.25
_AWAY_SECONDS = 10.0


class _RedisStorage(RedisStorage):
    """Leaves alone Valkey's own client, which the embedded server brings along: 3 MB."""

    DEPENDENCIES = {"redis": None}  # noqa: RUF012


class Limits:
    """Counts submits over a sliding minute.

    Redis is shared by all web processes. Without it each process counts alone: somebody may then
    submit WEB_WORKERS times as much, and nobody is turned away for a Redis that is down.
    """

    def __init__(self, settings: Settings) -> None:
        """Prepare both counters; nothing is opened yet."""
        self._limit: RateLimitItem = RateLimitItemPerMinute(settings.submits_per_minute)
        options = {
            "socket_timeout": _REDIS_SECONDS,
            "socket_connect_timeout": _REDIS_SECONDS,
            "retry": Retry(NoBackoff(), 0),
        }
        self._shared = SlidingWindowCounterRateLimiter(
            _RedisStorage(
                settings.redis_url.get_secret_value(),
                key_prefix="textback:limits",
                **options,  # type: ignore[arg-type]
            )
        )
        self._away_until = 0.0

    @cached_property
    def _alone(self) -> SlidingWindowCounterRateLimiter:
        """Made when it is needed: it keeps a timer, with which no process should be forked."""
        return SlidingWindowCounterRateLimiter(MemoryStorage())

    def count(self, *identifiers: str, limit: RateLimitItem | None = None) -> int | None:
        """Count one submit, or one of what another `limit` is about.

        Returns:
            None when it is within the limit, else the seconds until the next one is.
        """
        limit = limit or self._limit
        if time.monotonic() >= self._away_until:
            try:
                return self._count(self._shared, limit, identifiers)
            except (RedisError, OSError) as error:
                self._away_until = time.monotonic() + _AWAY_SECONDS
                log.warning("limits counted in memory, Redis is away: %s", type(error).__name__)
        return self._count(self._alone, limit, identifiers)

    def _count(
        self,
        limiter: SlidingWindowCounterRateLimiter,
        limit: RateLimitItem,
        identifiers: tuple[str, ...],
    ) -> int | None:
        if limiter.hit(limit, *identifiers):
            return None
        stats = limiter.get_window_stats(limit, *identifiers)
        return max(1, math.ceil(stats.reset_time - time.time()))


def init_limits(app: Flask, settings: Settings) -> None:
    """Give the application its counters."""
    app.extensions[_KEY] = Limits(settings)


def limit_calls(limit: RateLimitItem, *who: str) -> None:
    """Count one call of `who` against a limit of its own.

    Raises:
        ProblemError: it was one too many; says when to go on.
    """
    limits = cast(Limits, current_app.extensions[_KEY])
    seconds = limits.count(*who, limit=limit)
    if seconds is not None:
        raise ProblemError(
            "too_many_requests",
            f"That was more than {limit.amount} calls in a minute. Go on in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )


def limit_submits(view: Callable[P, R]) -> Callable[P, R]:
    """Count each call of a view against its account, if there is one, and its address."""

    @wraps(view)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        limits = cast(Limits, current_app.extensions[_KEY])
        person = current_person()
        by_address = ("address", request.remote_addr or "unknown")
        by_account = ("account", str(person.id)) if person is not None else None
        for who in filter(None, (by_account, by_address)):
            seconds = limits.count(*who)
            if seconds is not None:
                raise ProblemError(
                    "too_many_requests",
                    f"That was more than this {who[0]} may submit in a minute. "
                    f"Go on in {seconds} s.",
                    headers={"Retry-After": str(seconds)},
                )
        return view(*args, **kwargs)

    return limited
