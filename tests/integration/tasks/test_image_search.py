"""The kind image_search: what it refuses at submit, and what it answers when it runs."""

from __future__ import annotations

import io
import ipaddress
import random
import runpy
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cast import Person
from factories import make_job, read_job
from PIL import Image

from models import Database, Job, Settings, Upload
from models.ids import new_id
from tasks import context, runner
from tasks.errors import JobFailedError
from tasks.fetch import Fetched, Fetcher
from tasks.kinds.image_search import KIND, Params, Result
from tasks.providers.catalog.sample import load_sample_catalog
from tasks.submission import InvalidParamsError

ROOT = Path(__file__).parents[3]
COFFEE = ROOT / "tests/files/coffee.jpg"
DRESS = ROOT / "tasks/sample_catalog/pictures/1f457.webp"
Upl = Callable[..., UUID]


@pytest.fixture(autouse=True, scope="module")
def catalog(database: Database) -> None:
    load_sample_catalog(database)


@pytest.fixture
def upload(database: Database, person_a: Person) -> Upl:
    """Store a file of A's (or another's) as the web process would."""

    def store(data: bytes, media_type: str = "image/jpeg", owner: Person = person_a) -> UUID:
        with database.owner(owner.id) as session:
            source = io.BytesIO(data)
            return Upload.store(session, owner.id, source, media_type=media_type).id

    return store


@pytest.fixture
def submit(database: Database, settings: Settings, person_a: Person) -> Callable[..., UUID]:
    def make(**params: Any) -> UUID:
        return make_job(database, settings, person_a.id, kind="image_search", params=params)

    return make


@pytest.fixture
def finish(database: Database, settings: Settings, person_a: Person) -> Callable[[UUID], Job]:
    """Run a job here and now, as a worker would, and return its row."""

    def run(job_id: UUID) -> Job:
        with suppress(JobFailedError):
            runner.run(job_id, worker="a worker", database=database, settings=settings)
        return read_job(database, person_a.id, job_id)

    return run


def test_photo_becomes_ranked_products(
    upload: Upl, submit: Callable[..., UUID], finish: Callable[[UUID], Job]
) -> None:
    """A real photograph of a cup, from the upload to the stored result.

    Demand: 000-15
    """
    job = finish(submit(image=str(upload(COFFEE.read_bytes()))))
    assert (job.status, job.progress, job.result_count) == ("succeeded", 100, 24)
    result = Result.model_validate(job.result)
    assert result.products[0].title == "Hot beverage"
    assert result.products[0].title_ko
    assert result.products[0].category_label == "Cups and drinks"
    assert result.products[0].category_label_ko == "컵·음료"
    assert result.products[0].price is not None
    assert result.products[0].picture == f"/products/{result.products[0].id}/picture"
    assert (result.query.width, result.query.height) == (600, 400)
    assert result.source.note == "Sample data: rendered objects, not real products"
    assert (result.catalog_size, result.exact) == (509, True)
    nearness = [product.similarity for product in result.products]
    assert nearness == sorted(nearness, reverse=True)


def test_category_is_kept_to_and_as_many_shown_as_exist(
    upload: Upl, submit: Callable[..., UUID], finish: Callable[[UUID], Job]
) -> None:
    """Demand: 000-13"""
    image = str(upload(COFFEE.read_bytes()))
    job = finish(submit(image=image, categories=["drink", "drink"], limit=60))
    result = Result.model_validate(job.result)
    assert {product.category for product in result.products} == {"drink"}
    assert len(result.products) == job.result_count == 19
    assert result.categories == ["drink"]
    job = finish(submit(image=image, categories=["dress"], limit=2))
    assert job.result_count == 2


def test_made_photo_of_a_dress_finds_the_dress(
    upload: Upl, submit: Callable[..., UUID], finish: Callable[[UUID], Job]
) -> None:
    made_photo = runpy.run_path(str(ROOT / "benchmarks/retrieval.py"))["made_photo"]
    with Image.open(DRESS) as picture:
        photo = made_photo(picture, random.Random(1))
    result = Result.model_validate(finish(submit(image=str(upload(photo)))).result)
    assert result.products[0].title == "Dress"


@pytest.mark.parametrize(
    ("params", "field", "sentence"),
    [
        ({}, "params", "Give one photo: an upload as image, or an address as image_url."),
        ({"image": "7"}, "params.image", "a UUID"),
        ({"image": str(new_id())}, "params.image", "There is no upload of yours with this id."),
        ({"image_url": "ftp://example.com/a.jpg"}, "params.image_url", "http:// or https://"),
        ({"image_url": "not an address"}, "params.image_url", "http:// or https://"),
        (
            {"image_url": "http://2852039166/latest/meta-data"},
            "params.image_url",
            "The address does not lead to the public internet.",
        ),
        ({"image_url": "http://localhost/a.jpg"}, "params.image_url", "public internet"),
        ({"image_url": "http://a:b@example.com/"}, "params.image_url", "not a web address"),
        (
            {"image_url": "http://example.com/a.jpg", "categories": ["dres"]},
            "params.categories",
            "There is no category 'dres'. There is: accessory, bag, beauty,",
        ),
        (
            {"image_url": "http://example.com/a.jpg", "categories": "dress"},
            "params.categories",
            "must be a list",
        ),
        (
            {"image_url": "http://example.com/a.jpg", "categories": ["dress"] * 11},
            "params.categories",
            "at most 10",
        ),
        ({"image_url": "http://example.com/a.jpg", "limit": 61}, "params.limit", "60"),
        ({"image_url": "http://example.com/a.jpg", "limit": 0}, "params.limit", "1"),
        (
            {"image_url": "http://example.com/a.jpg", "limit": "many"},
            "params.limit",
            "a whole number",
        ),
        ({"image_url": "http://example.com/a.jpg", "colour": 1}, "params.colour", "no such field"),
    ],
)
def test_wrong_params_are_refused_by_name(
    submit: Callable[..., UUID], params: dict[str, Any], field: str, sentence: str
) -> None:
    with pytest.raises(InvalidParamsError) as refused:
        submit(**params)
    (error,) = refused.value.errors
    assert error.field == field
    assert sentence in error.message


def test_upload_of_somebody_else_looks_like_none(
    upload: Upl, submit: Callable[..., UUID], person_b: Person
) -> None:
    with pytest.raises(InvalidParamsError) as refused:
        submit(image=str(upload(COFFEE.read_bytes(), owner=person_b)))
    (error,) = refused.value.errors
    assert error.message == "There is no upload of yours with this id."


def test_upload_that_is_no_picture_is_refused(upload: Upl, submit: Callable[..., UUID]) -> None:
    with pytest.raises(InvalidParamsError, match="not a picture"):
        submit(image=str(upload(b"%PDF-1.7", "application/pdf")))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"hello", "not_a_picture"),
        (COFFEE.read_bytes()[:20_000], "picture_truncated"),
    ],
)
def test_bad_picture_fails_once_with_a_sentence(
    upload: Upl,
    submit: Callable[..., UUID],
    finish: Callable[[UUID], Job],
    data: bytes,
    code: str,
) -> None:
    """Demand: 000-17"""
    job = finish(submit(image=str(upload(data))))
    assert (job.status, job.attempt, job.error_code) == ("failed", 1, code)
    assert job.error_message is not None
    assert job.error_message.endswith(".")


class Shop:
    """A real server on loopback with one picture and one text."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shop.asked.append(self.path)
                is_picture = self.path == "/cup.jpg"
                status = 503 if self.path == "/busy" else 200
                body = COFFEE.read_bytes() if is_picture else b"<html>not a picture</html>"
                self.send_response(status)
                self.send_header("Content-Type", "image/jpeg")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://shop.example:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """The fetcher is the real one; only the name is resolved to loopback, and that is allowed."""
    loopback = [ipaddress.ip_address("127.0.0.1")]

    def fetch_here(url: str, *, max_bytes: int, accept: str) -> Fetched:
        fetcher = Fetcher(lambda address: True, lambda host, port: loopback)
        return fetcher.fetch(url, max_bytes=max_bytes, accept=accept)

    monkeypatch.setattr(context, "fetch", fetch_here)
    shop = Shop()
    yield shop
    shop.close()


def test_photo_at_an_address_is_looked_for(
    shop: Shop, submit: Callable[..., UUID], finish: Callable[[UUID], Job]
) -> None:
    """The address stays with the job. Demand: 000-14"""
    job = finish(submit(image_url=f"{shop.url}/cup.jpg", limit=1))
    assert job.params["image_url"] == f"{shop.url}/cup.jpg"
    assert Result.model_validate(job.result).products[0].title == "Hot beverage"


def test_page_that_says_it_is_a_picture_is_not_believed(
    shop: Shop, submit: Callable[..., UUID], finish: Callable[[UUID], Job]
) -> None:
    job = finish(submit(image_url=f"{shop.url}/page.jpg"))
    assert (job.status, job.attempt, job.error_code) == ("failed", 1, "not_a_picture")


def test_busy_server_is_asked_again_later(
    shop: Shop, submit: Callable[..., UUID], finish: Callable[[UUID], Job]
) -> None:
    job = finish(submit(image_url=f"{shop.url}/busy"))
    assert (job.status, job.attempt) == ("queued", 1)


def test_name_that_leads_inside_fails_the_job_and_is_not_asked(
    shop: Shop,
    submit: Callable[..., UUID],
    finish: Callable[[UUID], Job],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The name passes the check at submit; what it resolves to is refused by the worker."""
    inside = [ipaddress.ip_address("127.0.0.1")]
    fetcher = Fetcher(resolve_host=lambda host, port: inside)
    monkeypatch.setattr(context, "fetch", fetcher.fetch)
    job = finish(submit(image_url=f"{shop.url}/cup.jpg"))
    assert (job.status, job.attempt, job.error_code) == ("failed", 1, "address_not_allowed")
    assert job.error_message == "The address does not lead to the public internet."
    assert shop.asked == []


def test_form_has_words_for_every_field() -> None:
    schema = Params.model_json_schema()
    for name, field in schema["properties"].items():
        assert field.get("title"), name
        assert field.get("description"), name
    assert KIND.title
    assert KIND.description.endswith(".")
