"""Behind a transaction pooler, as many hosted databases have one: a real PgBouncer."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from cast import Person
from factories import claim_job, make_job, read_job
from pydantic import SecretStr

from models import Database, Progress, Settings
from webapp.processes import free_port, spawn


@pytest.fixture
def pooled(settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Settings whose database is reached through two shared connections."""
    program = shutil.which("pgbouncer")
    if program is None:
        pytest.skip("PgBouncer is not installed; `make test` installs it as root on Debian")
    real = urlsplit(settings.database_url.get_secret_value())
    port = free_port()
    users = tmp_path / "users.txt"
    users.write_text(f'"{real.username}" "{real.password}"\n')
    config = tmp_path / "pgbouncer.ini"
    config.write_text(
        f"[databases]\ntextback = host=127.0.0.1 port={real.port} dbname=textback\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = plain\nauth_file = {users}\npool_mode = transaction\n"
        "default_pool_size = 2\nmax_client_conn = 100\n"
    )
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)
    argv = [program, str(config)]
    if Path("/proc/self").stat().st_uid == 0:
        argv = [program, "--user", "nobody", str(config)]
    process = spawn(argv, log=tmp_path / "pgbouncer.log", death_signal=signal.SIGKILL)
    url = f"postgresql://{real.username}:{real.password}@127.0.0.1:{port}/textback"
    deadline = time.monotonic() + 10
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
            break
        except psycopg.OperationalError:
            assert process.poll() is None, (tmp_path / "pgbouncer.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
    yield settings.model_copy(update={"database_url": SecretStr(url)})
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()


def test_people_keep_their_rows_and_statements_on_shared_connections(
    pooled: Settings, settings: Settings, person_a: Person, person_b: Person
) -> None:
    """Role and person are set for each transaction, and nothing is prepared that another meets."""
    database = Database(pooled)

    def life(person: Person) -> int:
        for _ in range(15):  # psycopg would prepare after five
            job_id = make_job(database, settings, person.id)
            claim = claim_job(database, job_id)
            with database.worker() as session:
                claim.heartbeat(session, lease_seconds=30, progress=Progress(50))
            with database.worker_step() as step:
                claim.succeed(step, {"counted": 1}, result_count=1)
            assert read_job(database, person.id, job_id).owner_id == person.id
        with database.owner(person.id) as session:
            prepared = session.connection().exec_driver_sql("select * from pg_prepared_statements")
            assert prepared.all() == []
            return len(session.connection().exec_driver_sql("select id from jobs").all())

    try:
        with ThreadPoolExecutor(6) as pool:
            counts = list(pool.map(life, [person_a, person_b] * 3))
    finally:
        database.dispose()
    assert max(counts) == 45
