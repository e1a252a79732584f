"""The application as gunicorn finds it: loaded once, for all its workers."""

import gc
import sys

from gevent import monkey

# psycopg decides at its import whether it waits with gevent; imported before the patch, each query
# would stop the whole process instead of one request.
if not monkey.is_module_patched("socket") or "psycopg" in sys.modules:
    raise RuntimeError("psycopg was imported before gevent's patch: start it with `textback web`")

from models.quiet_logs import keep_secrets_out_of_logs
from models.settings import Settings
from webapp import create_app
from webapp.warm_up import warm_up

# gunicorn itself names the path of a request that breaks, and with it the token of a link.
keep_secrets_out_of_logs()
application = create_app(Settings.from_env())

warm_up(application)

# What lives now lives as long as the process: the collector, which stops every stream while it
# looks, need not look at it again, nor after every 700 objects as by default.
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 20)
