"""The services of docker-compose.yml as real processes: commands, environments, health checks.

There need not be a container engine. What stands in for what:

- The secrets are those that the line in `.env.example` makes.
- The servers are those of the all-in-one mode, started with the passwords of that `.env`; the names
  `postgres:5432` and `redis:6379` in addresses are replaced by where they listen.
- A process gets its service's environment, what the image adds, and nothing of ours but PATH; it
  runs in a folder that holds what the Dockerfile copies. Ports are replaced by free ones on
  loopback, and the volume by a folder.

So image, network, volumes and restarts are not shown here; `tests/guard/test_containers.py` reads
what the files say of them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from containers import (
    COMPOSE_FILE,
    ROOT,
    Service,
    fill_image,
    image_environment,
    read_services,
)
from processes import wait_for

from webapp.embedded.postgres import EmbeddedPostgres
from webapp.embedded.valkey import EmbeddedValkey
from webapp.processes import end_group, free_port, last_lines, spawn

SERVED = ("web", "worker", "worker-notifications", "worker-maintenance", "beat", "flower")
START_SECONDS = 60


@dataclass
class Container:
    """One service, run as a process."""

    service: Service
    environment: dict[str, str]
    folder: Path
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self, **more: str) -> Container:
        """Run the service's command; `more` is added to its environment."""
        self.environment |= more
        self.process = spawn(
            self.service.command, log=self.log, env=self.environment, cwd=self.folder,
            death_signal=signal.SIGKILL,
        )  # fmt: skip
        return self

    def run(self, *command: str) -> str:
        """Run another command to its end, as `docker compose exec` does, and return its output."""
        done = subprocess.run(
            command, env=self.environment, cwd=self.folder, capture_output=True, text=True,
            timeout=START_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def is_healthy(self) -> bool:
        """Run the health check as Docker would, in the same environment."""
        try:
            done = subprocess.run(
                self.service.health_check, env=self.environment, cwd=self.folder,
                capture_output=True, timeout=self.service.patience, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def wait_healthy(self) -> None:
        """Wait for the first passing check; a process that ended meanwhile says why."""
        assert self.process is not None
        deadline = time.monotonic() + START_SECONDS
        while not self.is_healthy():
            said = "\n".join(last_lines(self.log, 30))
            assert self.process.poll() is None, f"{self.service.name} ended:\n{said}"
            assert time.monotonic() < deadline, f"{self.service.name} is not healthy:\n{said}"

    def signal(self, sign: signal.Signals) -> None:
        """Send a signal to all of the container's processes."""
        assert self.process is not None
        os.killpg(self.process.pid, sign)


class Host:
    """A machine on which the compose file is started."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        """Start the servers, with the passwords of `variables`."""
        self.folder = folder
        self.image = folder / "image"
        fill_image(self.image)
        self.postgres = EmbeddedPostgres(folder / "postgres", settings={"fsync": "off"})
        self.valkey = EmbeddedValkey(folder / "valkey")
        for server, name in (
            (self.postgres, "POSTGRES_PASSWORD"),
            (self.valkey, "REDIS_PASSWORD"),
        ):
            server.folder.mkdir(mode=0o700)
            server.password_file.write_text(variables[name])
            server.start()
            server.wait_ready()
        self._services = read_services(variables)
        self._containers: list[Container] = []

    def container(self, name: str) -> Container:
        """Return a service, ready to be started."""
        postgres = urlsplit(self.postgres.owner_url()).netloc.rpartition("@")[2]
        valkey = urlsplit(self.valkey.url()).netloc.rpartition("@")[2]
        environment = {
            key: value.replace("@postgres:5432/", f"@{postgres}/")
            .replace("@redis:6379/", f"@{valkey}/")
            .replace("0.0.0.0", "127.0.0.1")
            for key, value in self._services[name].environment.items()
        }
        number = len(self._containers)
        for key in {"PORT", "FLOWER_PORT"} & set(environment):
            environment[key] = str(free_port())
        if "DATA_DIR" in environment:
            volume = self.folder / f"{number}-{name}"
            volume.mkdir()
            environment["DATA_DIR"] = str(volume)
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment |= image_environment()
        environment |= {"PATH": programs, "PYTHONPATH": str(self.image), "HOME": "/nonexistent"}
        container = Container(
            self._services[name], environment, self.image, self.folder / f"{number}-{name}.log"
        )
        self._containers.append(container)
        return container

    def end_containers(self) -> None:
        """End what was started."""
        for container in self._containers:
            if container.process is not None:
                end_group(container.process)
                container.process = None

    def end(self) -> None:
        """End everything."""
        self.end_containers()
        self.valkey.stop()
        self.postgres.stop()


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The `.env` that the line in `.env.example` makes."""
    folder = tmp_path_factory.mktemp("env")
    shutil.copy(ROOT / ".env.example", folder)
    [line] = re.findall(r"^#\s+(umask .*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    subprocess.run(["/bin/sh", "-c", line], cwd=folder, check=True)
    return dict(pair.split("=") for pair in (folder / ".env").read_text().split())


@pytest.fixture(scope="module")
def migrated_host(
    variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    """Servers on which the service `migrate` ran, as every other service demands."""
    host = Host(tmp_path_factory.mktemp("host"), variables)
    migrate = host.container("migrate").start()
    assert migrate.process is not None
    assert migrate.process.wait(START_SECONDS) == 0, last_lines(migrate.log)
    yield host
    host.end()


@pytest.fixture
def host(migrated_host: Host) -> Iterator[Host]:
    """The same, where nothing but the servers is left running."""
    yield migrated_host
    migrated_host.end_containers()


def test_each_health_check_notices_when_its_service_hangs(host: Host):
    """It fails before the start, passes while the process works, fails once that is stopped.

    Beat shows life by its file alone, so the file is made as old as it would be after ten minutes.
    """
    containers = [host.container(name) for name in SERVED]
    assert checks(containers) == dict.fromkeys(SERVED, False)
    for container in containers:
        container.start()
    for container in containers:
        container.wait_healthy()
    for container in containers:
        container.signal(signal.SIGSTOP)
        if container.service.name == "beat":
            then = time.time() - 600
            for file in Path(container.environment["DATA_DIR"]).glob("beat-schedule*"):
                os.utime(file, (then, then))
    assert checks(containers) == dict.fromkeys(SERVED, False)
    for container in containers:
        container.signal(signal.SIGCONT)
    beat = containers.pop(SERVED.index("beat"))  # writes again within three minutes
    assert beat.service.name == "beat"
    assert all(checks(containers).values())


def test_all_services_together_do_a_search(host: Host, files: Path):
    """Every service a process of its own: a photo goes in, products come out.

    Demand: 003-1, 003-18
    """
    before = set(host.image.rglob("*"))
    containers = {name: host.container(name).start() for name in SERVED}
    for container in containers.values():
        container.wait_healthy()
    web = containers["web"]
    assert "509" in web.run("textback", "catalog", "load-sample")
    token = web.run("textback", "token", "create", "--name", "compose")
    job = submit(web, token, {"kind": "image_search"}, files / "coffee.jpg")
    job = ask(web, token, f"{job['links']['self']}?wait=30")
    assert job["status"] == "succeeded", job
    result = ask(web, token, job["links"]["result"])
    assert len(result["products"]) == 24
    answers = web.run("textback", "worker", "ping").splitlines()
    assert [line.split(":")[0] for line in answers] == [
        "interactive", "scheduled", "notifications", "maintenance",
    ]  # fmt: skip
    assert set(host.image.rglob("*")) == before, "the image is read-only: nothing may write to it"


def test_two_replicas_of_the_worker_do_twice_as_much_at_once(host: Host, tmp_path: Path):
    """`--scale worker=2` with two jobs each: four jobs are in work at the same time.

    Demand: 003-1, 003-11
    """
    more = {
        "PYTHONPATH": f"{host.image}{os.pathsep}{ROOT / 'tests' / 'extra_kinds'}",
        "RUNNING_JOBS_PER_PERSON": "8",
    }
    web = host.container("web").start(**more)
    replicas = [host.container("worker").start(**more) for _ in range(2)]
    for container in (web, *replicas):
        container.wait_healthy()
    token = web.run("textback", "token", "create", "--name", "replicas")
    marks = tmp_path / "marks"
    params = {"marks": str(marks), "steps": 10, "step_seconds": 0.3}
    # More than both can take at once, so that neither is idle while the other is full.
    asked = {"kind": "count_slowly", "params": params, "force": True}
    jobs = [submit(web, token, asked) for _ in range(8)]
    for job in jobs:
        assert ask(web, token, f"{job['links']['self']}?wait=30")["status"] == "succeeded"
    words = [line.split()[0] for line in marks.read_text().splitlines()]
    assert Counter(words) == {"start": 8, "end": 8}
    assert max(accumulate(1 if word == "start" else -1 for word in words)) == 4


def test_redis_starts_with_the_files_settings(host: Host, variables: dict[str, str]):
    """The command of the service, with the server of the tests under the image's name."""
    container = host.container("redis")
    port = free_port()
    programs = host.folder / "programs"
    programs.mkdir()
    (programs / "valkey-server").write_text(
        f'#!/bin/sh\nexec {host.valkey._binary} "$@" --port {port} --bind 127.0.0.1\n'
    )
    (programs / "valkey-server").chmod(0o700)
    data = host.folder / "redis-data"
    data.mkdir()
    container.folder = data
    container.environment["PATH"] = f"{programs}{os.pathsep}{container.environment['PATH']}"
    container.start()
    assert container.process is not None
    with redis.Redis(port=port, password=variables["REDIS_PASSWORD"]) as client:
        wait_for(lambda: answers(client), what="the server")
        settings = client.config_get("appendonly", "maxmemory-policy", "maxmemory", "save")
    assert settings == {
        "appendonly": "yes",
        "maxmemory-policy": "noeviction",
        "maxmemory": str(256 * 2**20),
        "save": "",
    }
    with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    if sys.platform == "linux":
        line = Path(f"/proc/{container.process.pid}/cmdline").read_text()
        assert variables["REDIS_PASSWORD"] not in line
    container.signal(signal.SIGTERM)
    assert container.process.wait(10) == 0, "stops cleanly: it is the container's first process"


def test_the_health_check_of_postgres_tells_whether_it_answers(host: Host):
    container = host.container("postgres")
    programs = host.postgres._binary("pg_isready").parent
    container.environment["PATH"] = f"{programs}{os.pathsep}{container.environment['PATH']}"
    container.environment["PGPORT"] = str(urlsplit(host.postgres.owner_url()).port)
    assert container.is_healthy()
    container.environment["PGPORT"] = str(free_port())
    assert not container.is_healthy()


def has_compose() -> bool:
    """Whether the client is installed; it needs no engine to read a file."""
    if shutil.which("docker") is None:
        return False
    asked = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return asked.returncode == 0


@pytest.mark.skipif(not has_compose(), reason="Docker Compose is not installed")
def test_compose_reads_the_file_as_we_do(variables: dict[str, str]):
    read = subprocess.run(
        ["docker", "compose", "--file", COMPOSE_FILE, "config", "--format", "json"],
        env={**os.environ, **variables}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name, service in json.loads(read.stdout)["services"].items():
        ours = read_services(variables)[name]
        assert service["environment"] == ours.environment
        assert service["healthcheck"]["test"][1:] == ours.definition["healthcheck"]["test"][1:]


def checks(containers: list[Container]) -> dict[str, bool]:
    """Run the health checks of all at the same time."""
    with ThreadPoolExecutor(len(containers)) as pool:
        found = pool.map(Container.is_healthy, containers)
        return {
            container.service.name: each for container, each in zip(containers, found, strict=True)
        }


def answers(client: redis.Redis) -> bool:  # type: ignore[type-arg]
    """Whether a server is there yet."""
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def submit(web: Container, token: str, job: dict[str, Any], photo: Path | None = None) -> Any:
    """Submit a job by the API, as JSON or with a photo, and return its JSON."""
    if photo is None:
        return ask(web, token, "/api/v1/jobs", json.dumps(job).encode(), "application/json")
    boundary = "a-line-that-no-photo-holds"
    body = b"".join(
        [
            f'--{boundary}\r\nContent-Disposition: form-data; name="kind"\r\n\r\n'.encode(),
            f"{job['kind']}\r\n--{boundary}\r\n".encode(),
            b'Content-Disposition: form-data; name="image"; filename="photo.jpg"\r\n',
            b"Content-Type: image/jpeg\r\n\r\n",
            photo.read_bytes(),
            f"\r\n--{boundary}--\r\n".encode(),
        ]
    )
    return ask(web, token, "/api/v1/jobs", body, f"multipart/form-data; boundary={boundary}")


def ask(
    web: Container, token: str, path: str, body: bytes | None = None, media_type: str = ""
) -> Any:
    """Ask the API with a token, and return the JSON of its answer."""
    port = web.environment["PORT"]
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{urlsplit(path)._replace(scheme='', netloc='').geturl()}",
        data=body,
        headers={"Authorization": f"Bearer {token}", "Content-Type": media_type},
    )
    with urllib.request.urlopen(asked, timeout=40) as answer:
        return json.load(answer)
