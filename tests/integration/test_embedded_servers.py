"""The servers of the all-in-one mode: real, private, and back after whatever killed them."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from webapp.embedded.postgres import EmbeddedPostgres
from webapp.embedded.server import ServerError
from webapp.embedded.valkey import EmbeddedValkey
from webapp.processes import free_port, is_free


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedded")


@pytest.fixture
def postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder / "postgres")
    server.start()
    server.wait_ready()
    yield server
    server.stop()


@pytest.fixture
def valkey(folder: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(folder / "valkey")
    server.start()
    server.wait_ready()
    yield server
    server.stop()


def test_postgres_knows_vectors_and_korean(postgres):
    with psycopg.connect(postgres.owner_url()) as connection:
        assert connection.info.server_version >= 180_000
        for name in ("vector", "pg_trgm", "unaccent"):
            connection.execute(f"CREATE EXTENSION IF NOT EXISTS {name}")
        alike = connection.execute("SELECT similarity('빨간 운동화', '빨간 운동화 끈')")
        assert alike.fetchone()[0] > 0.4
        assert connection.execute("SHOW fsync").fetchone()[0] == "on"
        assert connection.execute("SHOW server_encoding").fetchone()[0] == "UTF8"


def test_postgres_listens_on_loopback_only_and_wants_a_password(postgres, folder):
    assert stat.S_IMODE(postgres.password_file.stat().st_mode) == 0o600
    with psycopg.connect(postgres.owner_url()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone()[0] == "127.0.0.1"
        assert connection.execute("SHOW unix_socket_directories").fetchone()[0] == ""
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgres.url("textback_owner", "guessed"))


def test_committed_rows_survive_sigkill_of_postgres(folder):
    server = EmbeddedPostgres(folder / "killed")
    process = server.start()
    server.wait_ready()
    with psycopg.connect(server.owner_url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS seven")
    process.kill()  # left unreaped, as in a container whose first process never reaps
    again = EmbeddedPostgres(folder / "killed")
    again.start()
    again.wait_ready()
    with psycopg.connect(again.owner_url()) as connection:
        assert connection.execute("SELECT seven FROM kept").fetchone()[0] == 7
    again.stop()
    process.wait()


def test_stale_lock_with_a_number_that_now_belongs_to_a_stranger(folder):
    server = EmbeddedPostgres(folder / "stranger")
    server.start()
    server.wait_ready()
    server.stop()
    stale = f"{os.getpid()}\n{server.cluster}\n0\n5432\n\n127.0.0.1\n        0        0\n"
    (server.cluster / "postmaster.pid").write_text(stale)
    server.start()
    server.wait_ready()
    server.stop()


def test_taken_port_is_replaced(folder):
    wanted = free_port()
    first = EmbeddedValkey(folder / "first", port=wanted)
    first.start()
    first.wait_ready()
    assert not is_free(wanted)
    second = EmbeddedValkey(folder / "second", port=wanted)
    second.start()
    second.wait_ready()
    assert first.url() != second.url()
    for server in (first, second):
        server.stop()


def test_password_that_does_not_fit_is_one_sentence(folder):
    server = EmbeddedPostgres(folder / "password")
    server.start()
    server.wait_ready()
    server.password_file.write_text("another")
    with pytest.raises(ServerError, match="does not fit the database"):
        server.is_ready()
    server.stop()


def test_missing_binaries_are_named(folder, tmp_path):
    with pytest.raises(ServerError, match=f"no program .* in {tmp_path}"):
        EmbeddedPostgres(folder / "none", binaries=tmp_path).start()


def test_valkey_keeps_what_it_was_given_over_sigkill(valkey, folder):
    client = redis.Redis.from_url(valkey.url())
    client.set("kept", "7")
    time.sleep(1.2)  # the append-only file is synced every second
    valkey.process.kill()
    valkey.process.wait()
    valkey.start()
    valkey.wait_ready()
    assert client.get("kept") == b"7"
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    client.close()


def test_valkey_password_is_in_no_command_line(valkey):
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=int(valkey.url().rsplit(":", 1)[1].split("/")[0])).ping()
    if sys.platform == "linux":
        line = Path(f"/proc/{valkey.process.pid}/cmdline").read_text()
        assert valkey.password not in line
    assert stat.S_IMODE((valkey.folder / "valkey.conf").stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a killed parent")
def test_servers_stop_cleanly_when_their_starter_is_killed(folder):
    code = """
import sys, time
from pathlib import Path
from webapp.embedded.postgres import EmbeddedPostgres
from webapp.embedded.valkey import EmbeddedValkey
servers = [EmbeddedPostgres(Path(sys.argv[1]) / "pg"), EmbeddedValkey(Path(sys.argv[1]) / "vk")]
for server in servers: server.start()
for server in servers: server.wait_ready()
print(*[server.process.pid for server in servers], flush=True)
time.sleep(60)
"""
    starter = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True
    )
    with starter:
        assert starter.stdout is not None
        pids = [int(pid) for pid in starter.stdout.readline().split()]
        assert len(pids) == 2
        os.kill(starter.pid, signal.SIGKILL)
    deadline = time.monotonic() + 3
    while any(map(runs, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(runs, pids))
    assert "database system is shut down" in (folder / "pg" / "postgres.log").read_text()


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""  # empty: only waits to be reaped
    except OSError:
        return False
