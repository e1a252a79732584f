"""Worker, beat and Flower without Celery's command line, which loads 700 modules into each."""

from __future__ import annotations

import atexit
import gc
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from celery import signals
from celery.utils.nodenames import host_format

from tasks.app import celery_app


def preload() -> None:
    """Import what worker and beat need, so that processes forked from here share its memory."""
    import celery.apps.beat
    import celery.apps.worker
    import celery.backends.database
    import celery.concurrency.prefork
    import celery.concurrency.solo
    import celery.worker.components
    import celery.worker.consumer  # noqa: F401

    celery_app.loader.import_default_modules()
    celery_app.finalize()


def run_worker(*, queues: str, name: str, pool: str, concurrency: int) -> NoReturn:
    """Be a worker until told to stop."""
    # Objects that live from now on are left alone by the collector in every child: a collection
    # would write into, and so copy, each page that children share with their parent.
    signals.worker_before_create_process.connect(_freeze)
    worker = celery_app.Worker(
        hostname=host_format(f"{name}@%h"),
        queues=queues,
        pool_cls=pool,
        concurrency=concurrency,
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
    gc.collect()
    gc.freeze()


def _exit(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    sys.exit(0)
