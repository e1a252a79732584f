"""How gunicorn serves: gevent workers, patched before anything that talks to the network.

psycopg decides at its import whether it waits with gevent; imported before the patch, each query
would stop the whole process instead of one request.
"""

import gc
import sys

from gevent import monkey

if "psycopg" in sys.modules:
    raise RuntimeError("psycopg was imported before gevent's patch: start it with `textback web`")
monkey.patch_all()

import time  # noqa: E402
from typing import Any  # noqa: E402

from models import Database  # noqa: E402
from models.errors import DatabaseUnsafeError, SettingsError  # noqa: E402
from models.row_security import assert_database_is_safe  # noqa: E402
from models.settings import Settings  # noqa: E402

_WAIT_FOR_DATABASE_SECONDS = 30

try:
    _settings = Settings.from_env()
except SettingsError as error:
    sys.exit(f"textback: {error}")

_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host
bind = f"{_host}:{_settings.port}"
workers = _settings.web_workers
worker_class = "webapp.gunicorn_worker.StreamWorker"
worker_connections = 5000
# Imported once, before the fork: each worker shares those pages instead of having its own.
preload_app = True
backlog = 2048
keepalive = 5
timeout = 60  # of a worker whose loop is stuck, not of a request
graceful_timeout = 5
proc_name = "textback-web"

# Addresses of callers come through TRUSTED_PROXIES alone.
forwarded_allow_ips = ""
# No access log: result links are secrets, and an address line would keep them.
accesslog = None
errorlog = "-"
loglevel = "info"
# Nothing is steered through a socket in the home folder of whoever starts it.
control_socket_disable = True


def on_starting(_server: Any) -> None:
    """Refuse to serve with a login that row level security does not bind."""
    from sqlalchemy.exc import OperationalError

    database = Database(_settings)
    deadline = time.monotonic() + _WAIT_FOR_DATABASE_SECONDS
    while True:
        try:
            assert_database_is_safe(database)
            break
        except DatabaseUnsafeError as error:
            sys.exit(f"textback: {error}")
        except OperationalError:
            if time.monotonic() > deadline:
                sys.exit("textback: DATABASE_URL: Postgres does not answer there.")
            time.sleep(0.5)
    database.dispose()  # each worker opens its own connections
    gc.collect()
    gc.freeze()  # or the collector would touch, and so copy, every page the workers share
