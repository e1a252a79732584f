"""What the compose file and the Dockerfile promise, read from the files themselves."""

from __future__ import annotations

import importlib
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from containers import (
    COMPOSE_FILE,
    OURS,
    ROOT,
    VARIABLE,
    MissingVariableError,
    image_environment,
    read_dockerfile,
    read_file,
    read_services,
)
from pydantic import SecretStr

from models import Settings
from webapp.cli import main

OWNER_PASSWORD = "POSTGRES_PASSWORD"
# What a deployment may do without.
OPTIONAL_SECRETS = {
    "CRON_SECRET", "CRON_SECRET_BEFORE", "POSTING_PROXIES", "TWILIO_AUTH_TOKEN",
}  # fmt: skip
EXAMPLE = (ROOT / ".env.example").read_text()
SECRETS = {name: name.lower() + "0" * 40 for name in re.findall(r"^(\w+)=$", EXAMPLE, re.MULTILINE)}


def is_secret(name: str) -> bool:
    """Whether a variable of a service must not be known to others."""
    field = Settings.model_fields.get(name.lower())
    return "PASSWORD" in name or (field is not None and "SecretStr" in str(field.annotation))


def test_no_secret_has_a_default():
    seen = set()
    for service in read_file()["services"].values():
        for name, value in service["environment"].items():
            if is_secret(name):
                seen.add(name)
                [variable] = VARIABLE.finditer(value)
                if name in OPTIONAL_SECRETS:
                    assert (variable["how"], variable["text"]) == (":-", "")
                    continue
                assert variable["how"] == ":?", f"{name} has a value in the file"
                assert "example" in variable["text"], "the message says what to do"
    assert seen >= {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "LINK_KEY", "POSTGRES_PASSWORD"}
    assert str(Settings.model_fields["secret_key"].annotation) == str(SecretStr)


@pytest.mark.parametrize("name", SECRETS)
def test_the_start_is_refused_without_a_secret(name):
    for value in ({}, {name: ""}):
        others = {key: secret for key, secret in SECRETS.items() if key != name}
        with pytest.raises(MissingVariableError, match=f"^{name}: is not set"):
            read_services(others | value)


def test_the_example_names_every_secret_and_its_line_makes_them(tmp_path: Path):
    demanded = {
        found["name"]
        for found in VARIABLE.finditer(COMPOSE_FILE.read_text())
        if found["how"] == ":?"
    }
    assert demanded == set(SECRETS)
    [line] = re.findall(r"^#\s+(umask .*)$", EXAMPLE, re.MULTILINE)
    (tmp_path / ".env.example").write_text(EXAMPLE)
    subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, check=True)
    made = dict(pair.split("=") for pair in (tmp_path / ".env").read_text().split())
    assert set(made) == demanded
    assert len(set(made.values())) == len(made)
    assert all(re.fullmatch("[0-9a-f]{48}", value) for value in made.values())
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    read_services(made)


def test_what_may_be_chosen_is_in_the_example_with_the_products_defaults():
    offered = dict(re.findall(r"^#([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    variables = {
        found["name"]: found["text"]
        for found in VARIABLE.finditer(COMPOSE_FILE.read_text())
        if found["how"] == ":-"
    }
    assert {name: value for name, value in variables.items() if value} == offered
    assert all(name in EXAMPLE for name in variables), "what has no default is told of in words"
    for name, value in variables.items():
        if not name.endswith("PUBLISH"):
            default = Settings.model_fields[name.lower()].default
            assert value == ("" if default is None else str(default))
        else:
            assert value.startswith("127.0.0.1:"), "open to this machine alone unless chosen"


def test_every_variable_of_ours_is_a_setting_and_every_command_exists():
    services = read_services(SECRETS)
    for name in OURS:
        unknown = {key.lower() for key in services[name].environment} - set(Settings.model_fields)
        assert not unknown
        program, command, *arguments = services[name].command
        assert program == "textback"
        assert main.commands[command].make_context(command, arguments)
    assert set(services) == {*OURS, "postgres", "redis"}


def test_only_migrate_and_the_server_itself_know_the_owners_password():
    services = read_services(SECRETS)
    told = {
        name
        for name, service in services.items()
        if any(SECRETS[OWNER_PASSWORD] in value for value in service.environment.values())
    }
    assert told == {"postgres", "migrate"}
    told = {name for name, service in services.items() if "FLOWER_PASSWORD" in service.environment}
    assert told == {"flower"}


def test_every_queue_has_one_worker_service(settings: Settings):
    queues = importlib.import_module("celeryconfig").QUEUE_NAMES
    served: Counter[str] = Counter()
    names = []
    for service in read_services(SECRETS).values():
        if service.name.startswith("worker"):
            context = main.commands["worker"].make_context("worker", service.command[2:])
            served.update(context.params["queues"].split(","))
            names.append(context.params["name"])
            assert service.health_check[-1] == context.params["name"], "the check asks another"
    assert served == Counter(queues)
    assert len(set(names)) == len(names)


def test_every_service_is_watched_and_restarted():
    for name, service in read_file()["services"].items():
        assert service["logging"]["options"]["max-size"], "logs must not fill the disk"
        if name == "migrate":
            assert service["restart"] == "no"  # it ends, and the others wait for its success
            continue
        assert service["restart"] == "unless-stopped"
        assert set(service["healthcheck"]) == {
            "test", "interval", "timeout", "retries", "start_period",
        }  # fmt: skip
        assert re.fullmatch(r"\d+s", service["stop_grace_period"])
        if name in OURS:
            assert service["depends_on"] == {
                "migrate": {"condition": "service_completed_successfully"},
                "postgres": {"condition": "service_healthy"},
                "redis": {"condition": "service_healthy"},
            }


def test_workers_can_be_multiplied():
    """Nothing in the file ties a worker to one container."""
    for name, service in read_file()["services"].items():
        if name.startswith("worker"):
            assert not {"container_name", "hostname", "ports", "volumes"} & set(service)


def test_servers_can_be_reached_by_our_containers_alone():
    for name, service in read_services(SECRETS).items():
        ports = service.definition.get("ports", [])
        assert bool(ports) == (name in {"web", "flower"})
        for port in ports:
            assert port.startswith("127.0.0.1:")
        image = service.definition["image"]
        assert "." not in image.split("/")[0], "images are named without a host"


def test_volumes_belong_to_the_account_that_writes_to_them():
    file = read_file()
    lines = read_dockerfile()
    last = max(line.stage for line in lines)
    users = [line.rest for line in lines if line.word == "USER" and line.stage == last]
    account = re.search(r"useradd --uid (\d+) --user-group .* (\w+) && install", lines_of(last))
    assert account is not None
    assert users == [f"{account[1]}:{account[1]}"]
    assert int(account[1]) > 0
    made = f"install --directory --owner {account[2]} --group {account[2]} --mode 0700 /data"
    assert made in lines_of(last)
    for name in OURS:
        service = file["services"][name]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        mounted = [volume.split(":") for volume in service.get("volumes", [])]
        assert bool(mounted) == (name in {"beat", "flower"})
        for volume, path in mounted:
            assert volume in file["volumes"]
            assert service["environment"]["DATA_DIR"] == path == "/data"


def lines_of(stage: int) -> str:
    """Return what a stage of the Dockerfile runs, in one line with single spaces."""
    runs = [line.rest for line in read_dockerfile() if (line.word, line.stage) == ("RUN", stage)]
    return re.sub(r"\s+", " ", " ".join(runs))


def test_the_image_holds_only_what_the_lock_names():
    assert "install --require-hashes --only-binary :all: -r requirements/server.lock" in lines_of(0)
    assert "install --no-deps --editable ." in lines_of(0)
    assert not re.search(r"\b(apt|apt-get|pip|curl|wget)\b", lines_of(1))
    assert image_environment()["PYTHONDONTWRITEBYTECODE"] == "1"  # it may not write to /app anyway
