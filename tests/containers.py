"""The compose file as Docker Compose reads it, and the image as its Dockerfile fills it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
COMPOSE_FILE = ROOT / "docker-compose.yml"
OURS = ("migrate", "web", "worker", "worker-notifications", "worker-maintenance", "beat", "flower")
# `$$`, `${NAME}`, `${NAME:-default}`, `${NAME:?message}`: all that the file uses.
VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<text>[^}]*))?\})")


class MissingVariableError(Exception):
    """A variable without which Compose refuses to start; says which, and the file's message."""


@dataclass(frozen=True)
class Service:
    """One service, with its variables filled in."""

    name: str
    definition: Mapping[str, Any]

    @property
    def command(self) -> list[str]:
        """The program and its arguments."""
        return list(self.definition["command"])

    @property
    def environment(self) -> dict[str, str]:
        """What the container finds in its environment."""
        return dict(self.definition["environment"])

    @property
    def health_check(self) -> list[str]:
        """The program that Docker runs in the container, and its arguments."""
        how, *arguments = self.definition["healthcheck"]["test"]
        return {"CMD": [], "CMD-SHELL": ["/bin/sh", "-c"]}[how] + arguments

    @property
    def patience(self) -> float:
        """Seconds after which Docker counts a check without an answer as failed."""
        return float(self.definition["healthcheck"]["timeout"].removesuffix("s"))


def read_file() -> dict[str, Any]:
    """Return the compose file as it stands, variables and all."""
    return yaml.safe_load(COMPOSE_FILE.read_text())


def read_services(variables: Mapping[str, str]) -> dict[str, Service]:
    """Return the services with `variables` filled in, as Compose takes them from `.env`.

    Raises:
        MissingVariableError: one that the file demands is not there or is empty.
    """
    services = _fill(read_file()["services"], variables)
    return {name: Service(name, definition) for name, definition in services.items()}


def _fill(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [_fill(each, variables) for each in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: _value(found, variables), value)
    return value


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    if found["dollar"]:
        return "$"
    value = variables.get(found["name"], "")
    if not value and found["how"] == ":?":
        raise MissingVariableError(f"{found['name']}: {found['text']}")
    return value or found["text"] or ""


@dataclass(frozen=True)
class Instruction:
    """One line of the Dockerfile."""

    stage: int
    word: str
    rest: str


def read_dockerfile() -> list[Instruction]:
    """Return the Dockerfile's instructions, each with the number of its stage."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    found = []
    stage = -1
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            stage += word == "FROM"
            found.append(Instruction(stage, word, rest))
    return found


def image_environment() -> dict[str, str]:
    """Return what the image adds to every container's environment, PATH aside."""
    last = max(line.stage for line in read_dockerfile())
    pairs: dict[str, str] = {}
    for line in read_dockerfile():
        if line.word == "ENV" and line.stage == last:
            pairs |= dict(pair.split("=", 1) for pair in line.rest.split())
    del pairs["PATH"]
    return pairs


def fill_image(folder: Path) -> None:
    """Copy what the Dockerfile copies from the repository, and no file more, into `folder`."""
    first, *patterns = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert first == "*", "nothing reaches the builder unless it is named"
    named = {pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!")}
    never = [p.removeprefix("**/") for p in patterns if p.startswith("**/")]
    assert len(named) + len(never) == len(patterns)
    for line in read_dockerfile():
        if line.word != "COPY" or line.rest.startswith("--from="):
            continue
        *sources, target = line.rest.split()
        for source in sources:
            assert source in named, f".dockerignore keeps {source} from the builder"
            to = folder / target / (Path(source).name if target.endswith("/") else "")
            to.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, to, ignore=shutil.ignore_patterns(*never))
            else:
                shutil.copy(ROOT / source, to)
