"""Celery's settings. A message is a hint about a row, so losing or doubling one is harmless."""

from celery.schedules import crontab
from kombu import Exchange, Queue

from models.session import CONNECT_ARGS, sqlalchemy_url
from models.settings import Settings

_settings = Settings.from_env()

INTERACTIVE, SCHEDULED = "interactive", "scheduled"
NOTIFICATIONS, MAINTENANCE = "notifications", "maintenance"
QUEUE_NAMES = (INTERACTIVE, SCHEDULED, NOTIFICATIONS, MAINTENANCE)

# The longest hard limit any kind may ask for.
LONGEST_JOB_SECONDS = 4 * 3600
SWEEP_SECONDS = 5.0
EXPIRY_SECONDS = 3600.0
FORGET_SECONDS = 600.0

broker_url = _settings.redis_url.get_secret_value()
broker_connection_max_retries = None  # a worker never gives up on Redis
broker_connection_retry_on_startup = True
broker_pool_acquire_timeout = 5
broker_transport_options = {
    # Redis need not keep what a worker took: a hint that is lost there is sent again by the sweep.
    "ack_emulation": False,
    # Without these a publish to a stalled Redis was still blocked after 40 s.
    "socket_timeout": 5,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 25,
    # `interactive` is served before `scheduled`, which never gets every child of a worker.
    "queue_order_strategy": "tasks.queue_order:InteractiveFirst",
    "priority_steps": [0],  # a queue is one list: messages have no priority of their own
}

# The one user of results is `textback worker ping`; what a job answers is in its row.
result_backend = "db+" + sqlalchemy_url(_settings.database_url.get_secret_value())
database_engine_options = {"connect_args": CONNECT_ARGS, "hide_parameters": True}
database_engine_callback = "tasks.result_backend:use_worker_role"
database_create_tables_at_setup = False
result_expires = 3600
task_ignore_result = True

task_serializer = "json"
result_serializer = "json"
accept_content = ["json"]  # unpickling what a reachable Redis holds would be code execution

_exchange = Exchange("textback", type="direct")
task_queues = [Queue(name, _exchange, routing_key=name) for name in QUEUE_NAMES]
task_default_queue = MAINTENANCE
task_default_exchange = "textback"
task_default_routing_key = MAINTENANCE
task_create_missing_queues = False
task_routes = {
    "notification.*": {"queue": NOTIFICATIONS},
    "sweep.*": {"queue": MAINTENANCE},
    # job.run names its queue itself, by the kind and by who asks
}

task_acks_late = False  # the lease in Postgres covers a lost worker
task_reject_on_worker_lost = False
task_track_started = True
# A hint that a busy worker holds back is one that an idle worker cannot take.
worker_prefetch_multiplier = 1
worker_disable_prefetch = True
worker_concurrency = _settings.worker_concurrency
worker_max_tasks_per_child = 5000  # a new child costs as much as a hundred short jobs
worker_max_memory_per_child = 600_000  # KiB
worker_eta_task_limit = 1000
worker_hijack_root_logger = False
worker_cancel_long_running_tasks_on_connection_loss = False

# Flower sees every job; sweeps send no events, or they would bury them. The sender's own event
# stays off: it names the task and not the kind, and Flower keeps whichever comes last.
worker_send_task_events = True
task_send_sent_event = False

timezone = "UTC"
beat_schedule_filename = str(_settings.data_dir / "beat-schedule")
beat_schedule = {
    name: {
        "task": f"sweep.{name}",
        "schedule": seconds,
        # A sweep nobody ran in time is of no use; the next one does its work.
        "options": {"queue": MAINTENANCE, "expires": seconds},
    }
    for name, seconds in {
        "dispatch_waiting_jobs": SWEEP_SECONDS,
        "rescue_stalled_jobs": SWEEP_SECONDS,
        "send_due_notifications": SWEEP_SECONDS,
        "enqueue_due_searches": SWEEP_SECONDS,
        "prune_expired": EXPIRY_SECONDS,
    }.items()
}
beat_schedule |= {
    name: {
        "task": f"notification.{name}",
        "schedule": schedule,
        "options": {"queue": NOTIFICATIONS, "expires": FORGET_SECONDS},
    }
    for name, schedule in {
        "audit_texts": crontab(hour=3, minute=30),
        "forget_texts": FORGET_SECONDS,
    }.items()
}
