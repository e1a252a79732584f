"""How gunicorn serves. Address and number of workers come from `textback web`.

The application is loaded once, by the master: a worker that is forked from it serves at once, and
shares its memory. So all is patched for gevent here, before psycopg is imported (webapp/wsgi.py
looks that it was), but for what the master itself waits with: its signals and its children.
"""

from gevent import monkey

monkey.patch_all(queue=False, signal=False, os=False)

preload_app = True
worker_class = "webapp.gunicorn_worker.StreamWorker"
worker_connections = 5000
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
