"""Worker, beat and Flower without Celery's command line, which loads 700 modules into each."""

from __future__ import annotations

import atexit
import ctypes
import gc
import signal
import sys
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from celery import signals
from celery.utils.nodenames import host_format
from sqlalchemy.orm import configure_mappers

from tasks.app import celery_app
from tasks.registry import kinds

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # <malloc.h>
# A job makes some thousand objects and leaves none in a ring: to look for those after every 700, as
# by default, costs a busy worker more than it frees.
COLLECT_AFTER: Final = (10_000, 20, 20)

# What a worker or beat has imported once it runs: imported before the fork, it is there once.
SHARED_MODULES: Final = (
    "celery.app.amqp",
    "celery.app.control",
    "celery.app.events",
    "celery.app.log",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.backends.database",
    "celery.concurrency.prefork",
    "celery.concurrency.solo",
    "celery.events.receiver",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.consumer.delayed_delivery",
    "celery.worker.strategy",
    "importlib.resources.readers",
    "kombu.transport.redis",
    "packaging.version",
    "tasks.node",
    "tasks.request",
)


def preload() -> None:
    """Import what worker and beat need, so that processes forked from here share its memory."""
    if libc := _glibc():
        # As in MALLOC_ARENA_MAX, MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_, which are
        # read too early for a fork: large blocks go back to the system when they are freed.
        # The worker that embeds pictures takes 20 MB less for it.
        libc.mallopt(M_ARENA_MAX, 2)
        libc.mallopt(M_MMAP_THRESHOLD, 128 * 1024)
        libc.mallopt(M_TRIM_THRESHOLD, 128 * 1024)
    for module in SHARED_MODULES:
        import_module(module)
    celery_app.loader.import_default_modules()
    celery_app.finalize()
    configure_mappers()
    _freeze()


def run_worker(*, queues: str, name: str, pool: str, concurrency: int) -> NoReturn:
    """Be a worker until told to stop.

    Args:
        queues: their names, by commas.
        name: what the worker is called, before the @ and the host.
        pool: `prefork`, or `solo` for one process that takes one task at a time.
        concurrency: the most tasks at once. As many processes come when there is work for them,
            and all but one go within a minute of its end.
    """
    if pool == "prefork":
        kinds()  # once, before the fork, instead of in each child's first job
    gc.set_threshold(*COLLECT_AFTER)
    signals.worker_before_create_process.connect(_freeze)
    worker = celery_app.Worker(
        hostname=host_format(f"{name}@%h"),
        queues=queues,
        pool_cls=pool,
        concurrency=concurrency,
        autoscale=(concurrency, 1) if pool == "prefork" else None,
        loglevel="INFO",
        without_mingle=True,  # nothing to learn from the others: revoked ids live in the rows
        without_gossip=True,
    )
    worker.start()
    sys.exit(worker.exitcode)


def run_beat() -> None:
    """Send the sweeps until told to stop."""
    celery_app.Beat(loglevel="INFO").run()


def run_flower(*, host: str, port: int, auth: str, database: Path) -> None:
    """Serve Flower until told to stop.

    Args:
        host: the address to listen on.
        port: the port to listen on.
        auth: `user:password` of the one who may look.
        database: the file that keeps the tasks it saw; saved every five seconds.
    """
    from flower.app import Flower  # type: ignore[import-untyped]
    from flower.command import (  # type: ignore[import-untyped]
        apply_options,
        extract_settings,
        print_banner,
        setup_logging,
    )
    from flower.urls import settings  # type: ignore[import-untyped]
    from tornado.options import options

    options.basic_auth = [auth]  # not by argument: every account may read a command line
    apply_options(
        "flower",
        [
            f"--address={host}",
            f"--port={port}",
            "--persistent=True",
            f"--db={database}",
            "--state_save_interval=5000",
            "--enable_events=True",
        ],
    )
    extract_settings()
    setup_logging()
    flower = Flower(capp=celery_app, options=options, **settings)
    atexit.register(flower.stop)
    signal.signal(signal.SIGTERM, _exit)
    print_banner(celery_app, ssl=False, port=flower.start_http_server())
    try:
        flower.start()
    except (KeyboardInterrupt, SystemExit):
        flower.stop()


def _freeze(**_: object) -> None:
    """Make what lives now cheap to share with forked children.

    The collector writes into each object it looks at, and so copies the page it is on; what is
    frozen it leaves alone. Free pages go back first, or they would be copied in their turn.
    """
    gc.collect()
    gc.freeze()
    if libc := _glibc():
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """Return the C library, where it is the one whose memory can be tuned."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None


def _exit(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    sys.exit(0)
