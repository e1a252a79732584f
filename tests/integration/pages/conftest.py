"""The application on real servers, and people who come to it with a browser's manners."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from api_client import MANY, close_app
from factories import new_number
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from models import Database, Settings, User
from models.phone import PhoneKeys
from models.verification_code import code_of
from tasks.errors import JobFailedError
from tasks.providers.catalog.sample import load_sample_catalog
from tasks.runner import run
from webapp import create_app

ORIGIN = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def app(settings: Settings, database: Database) -> Iterator[Flask]:
    """The application, with texts on this machine."""
    load_sample_catalog(database)
    many = {"submits_per_minute": MANY, "codes_per_address_a_day": MANY}
    app = create_app(settings.model_copy(update=many))
    yield app
    close_app(app)


@dataclass
class Visitor:
    """A browser without scripts."""

    client: FlaskClient
    language: str = "en"

    def get(self, path: str, **more: Any) -> TestResponse:
        """Open a page."""
        headers = {"Accept": "text/html", "Accept-Language": self.language}
        headers |= more.pop("headers", {})
        return self.client.get(path, base_url=ORIGIN, headers=headers, **more)

    def send(self, **fields: Any) -> TestResponse:
        """Send the form of the first page, as it came."""
        return self.post("/", **hidden_fields(self.get("/").text, "/"), **fields)

    def post(self, path: str, **fields: Any) -> TestResponse:
        """Send a form."""
        return self.client.post(
            path,
            base_url=ORIGIN,
            data=fields,
            headers={"Origin": ORIGIN, "Accept": "text/html", "Accept-Language": self.language},
            content_type="multipart/form-data",
        )

    def press(self, page: str, action: str, **fields: Any) -> TestResponse:
        """Press the button of a page whose form goes to `action`."""
        return self.post(action, **hidden_fields(self.get(page).text, action), **fields)

    def fields(self, page: str, action: str) -> dict[str, str]:
        """Return what the form of a page that goes to `action` sends of its own."""
        return hidden_fields(self.get(page).text, action)

    def sign_in(self, settings: Settings, number: str | None = None, page: str = "/sign-in") -> str:
        """Prove a phone, a new one unless it is given, and return it in E.164."""
        number = number or new_number()
        answer = self.press(page, "/sign-in", country="KR", phone=number)
        page = answer.headers["Location"]
        answer = self.type_code(settings, page)
        assert answer.status_code == 303, answer.text
        return number

    def type_code(self, settings: Settings, page: str, code: str | None = None) -> TestResponse:
        """Type a code into a page that asks for one; the right one unless another is given."""
        shown = self.get(page).text
        code_id = UUID(re.search(r'action="/verification/([\w-]{36})"', shown)[1])  # type: ignore[index]
        action = f"/verification/{code_id}"
        return self.post(
            action, **hidden_fields(shown, action), code=code or code_of(settings, code_id)
        )

    def search(self, photo: Path, **fields: Any) -> UUID:
        """Send a photo and return the id of the job."""
        with photo.open("rb") as file:
            answer = self.send(image=(file, "photo.jpg"), **fields)
        assert answer.status_code == 303, answer.text
        return UUID(answer.headers["Location"].rsplit("/", 1)[1].partition("?")[0])


def hidden_fields(page: str, action: str) -> dict[str, str]:
    """Return what the form with this address sends of its own."""
    form = page.split(f'action="{action}"', maxsplit=1)[1].split("</form>", maxsplit=1)[0]
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    assert fields.get("csrf_token"), form
    fields.pop("photo", None)
    return fields


@pytest.fixture
def visit(app: Flask) -> Callable[..., Visitor]:
    """Come with a browser of one's own."""
    return lambda language="en": Visitor(app.test_client(), language)


@pytest.fixture
def texted(visit: Callable[..., Visitor], settings: Settings) -> Callable[..., Visitor]:
    """Come with a browser of one's own and a proven phone."""

    def come(language: str = "en") -> Visitor:
        visitor = visit(language)
        visitor.sign_in(settings)
        return visitor

    return come


@pytest.fixture
def work(database: Database, settings: Settings) -> Callable[[UUID], None]:
    """Do a job, as a worker would."""

    def do(job_id: UUID) -> None:
        with suppress(JobFailedError):
            run(job_id, worker="a worker", database=database, settings=settings)

    return do


@pytest.fixture
def operator(visit: Callable[..., Any], settings: Settings, database: Database) -> Any:
    """Somebody who looks after the service."""
    visitor = visit()
    number = visitor.sign_in(settings)
    with database.operator() as session:
        session.execute(
            update(User)
            .where(User.phone_hash == PhoneKeys(settings).fingerprint(number))
            .values(role="operator")
        )
    return visitor
