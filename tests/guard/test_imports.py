"""What must not be imported, or not before something else, seen in fresh processes."""

from __future__ import annotations

import subprocess
import sys


def run(code: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a line of Python in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, timeout=60, check=False, env=environment,
    )  # fmt: skip


def test_starting_servers_does_not_import_the_web_application() -> None:
    done = run("import sys, webapp, webapp.embedded.postgres; assert 'flask' not in sys.modules")
    assert done.returncode == 0, done.stderr


def test_gunicorn_patches_before_psycopg_is_imported(environment: dict[str, str]) -> None:
    late = run("import psycopg, webapp.gunicorn_config", environment)
    assert "psycopg was imported before" in late.stderr
    early = run(
        "import webapp.gunicorn_config, psycopg.waiting;"
        "from gevent import monkey; assert monkey.is_module_patched('socket');"
        "assert psycopg.waiting.wait.__name__ != 'wait_c', 'psycopg waits in C, past gevent'",
        environment,
    )
    assert early.returncode == 0, early.stderr


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
