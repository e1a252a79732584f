"""What must not be imported, or not before something else, seen in fresh processes."""

from __future__ import annotations

import subprocess
import sys

from models import Settings


def run(code: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a line of Python in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, timeout=60, check=False, env=environment,
    )  # fmt: skip


def test_starting_servers_does_not_import_the_web_application() -> None:
    done = run("import sys, webapp, webapp.embedded.postgres; assert 'flask' not in sys.modules")
    assert done.returncode == 0, done.stderr


def test_the_application_refuses_to_load_before_gevents_patch(
    environment: dict[str, str], settings: Settings
) -> None:
    for early in ("import psycopg; from gevent import monkey; monkey.patch_all()", "pass"):
        late = run(f"{early}\nimport webapp.wsgi", environment)
        assert "psycopg was imported before" in late.stderr
    right = run(
        "from gevent import monkey; monkey.patch_all();"
        "import webapp.wsgi as it, psycopg.waiting;"
        "assert psycopg.waiting.wait.__name__ != 'wait_c', 'psycopg waits in C, past gevent';"
        "from webapp.db import database; from webapp.gevent_wait import GeventConnection;"
        "c = it.application.app_context(); c.push();"
        "assert database().connection_class is GeventConnection, 'statements wait otherwise'",
        environment,
    )
    assert right.returncode == 0, right.stderr


def test_the_application_is_loaded_warm_and_connected_to_nothing(
    environment: dict[str, str], settings: Settings
) -> None:
    """Nobody waits at the first page for what is read once a process; Postgres may be away."""
    nobody = "postgresql://nobody:x@127.0.0.1:9/nothing"
    done = run(
        "from gevent import monkey; monkey.patch_all();"
        "import sys, webapp.wsgi as it;"
        "assert 'phonenumbers.data.region_KR' in sys.modules, 'numbers';"
        "from models import Job; assert Job.__mapper__.configured, 'mappers';"
        "from webapp.db import database;"
        "c = it.application.app_context(); c.push();"
        "assert database().engine.pool.checkedin() == 0, 'a connection'",
        {**environment, "DATABASE_URL": nobody},
    )
    assert done.returncode == 0, done.stderr


def test_gunicorns_master_loads_nothing_of_ours(environment: dict[str, str]) -> None:
    """Its memory is spent once more for nothing, and it must not import psycopg."""
    done = run(
        "import sys, webapp.gunicorn_config, webapp.gunicorn_worker;"
        "found = {'models', 'flask', 'sqlalchemy', 'psycopg', 'celery'} & set(sys.modules);"
        "assert not found, found",
        environment,
    )
    assert done.returncode == 0, done.stderr


def test_the_web_process_decodes_no_picture(environment: dict[str, str]) -> None:
    """Demand: 003-1, 003-2. What reads pixels belongs to workers."""
    done = run(
        "import sys; from models import Settings; from webapp import create_app;"
        "create_app(Settings.from_env());"
        "found = {'PIL', 'numpy', 'onnxruntime', 'pillow_heif', 'twilio'} & set(sys.modules);"
        "assert not found, found",
        environment,
    )
    assert done.returncode == 0, done.stderr


def test_the_web_process_has_one_client_for_redis(environment: dict[str, str]) -> None:
    """Valkey's own is installed beside the embedded server; nobody uses it."""
    done = run(
        "import sys; from models import Settings; from webapp import create_app;"
        "create_app(Settings.from_env()); assert 'valkey' not in sys.modules",
        environment,
    )
    assert done.returncode == 0, done.stderr
