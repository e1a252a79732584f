"""What a process holds once: its settings, its database pool and its line to Redis."""

from __future__ import annotations

import os
from functools import cache

import redis

from models import Database, Settings

# Every job's changes go over one channel: a wake-up that says "look at this row".
WAKE_CHANNEL = "textback:wake"
# And that a job of somebody has begun or ended, over another, which says whose.
PERSON_CHANNEL = "textback:person"


@cache
def settings() -> Settings:
    """Return the settings of this process."""
    return Settings.from_env()


def database() -> Database:
    """Return the pool of this process; a forked child makes its own on first use."""
    return _database(os.getpid())


@cache
def _database(_pid: int) -> Database:
    # One connection for the work and one for its heartbeat; each idle one is memory in Postgres.
    return Database(settings(), pool_size=2)


def redis_client() -> redis.Redis:
    """Return this process's client, with time-outs short enough for a request to bear."""
    return _redis_client(os.getpid())


@cache
def _redis_client(_pid: int) -> redis.Redis:
    return redis.Redis.from_url(
        settings().redis_url.get_secret_value(), socket_timeout=2, socket_connect_timeout=1
    )
