"""Searches of feeds: a person's own by address, and the operator's by address and file."""

from __future__ import annotations

import ipaddress
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from cast import Person
from factories import make_job, read_job

from models import Database, Job, Settings
from tasks import context, runner
from tasks.errors import JobFailedError
from tasks.fetch import Fetched, Fetcher
from tasks.posting_result import Result
from tasks.providers.job_board.base import MESSAGES
from tasks.providers.job_board.sample_load import load_sample_postings


def feed_of(*titles: str, hours: float = 1, **more: Any) -> bytes:
    """Return a JSON Feed with a posting of each title, that many hours old."""
    posted = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    items = [
        {
            "id": title,
            "url": f"https://example.com/{number}",
            "title": title,
            "authors": [{"name": "Potfield"}],
            "date_published": posted,
            **more,
        }
        for number, title in enumerate(titles)
    ]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items}).encode()


PLACED_FEED = b"""<html><script type="application/ld+json">
{"@context": "https://schema.org", "@type": "JobPosting", "title": "Cook",
 "url": "https://example.com/cook", "jobLocation": {"@type": "Place", "address": "Reykjavik"}}
</script></html>"""


class Site:
    """A real server on loopback, with what each path gives: a status and a body."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                status, body = site.pages.get(self.path, (404, b""))
                self.send_response(status)
                self.send_header("Content-Type", "application/octet-stream")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://jobs.example:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def site(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, owner_connection: psycopg.Connection
) -> Iterator[Site]:
    """The fetcher is the real one; only the name is resolved to loopback, and that is allowed."""
    owner_connection.execute("delete from postings where site like 'feed%'")
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        for key in client.scan_iter("textback:pace:*"):
            client.delete(key)
    loopback = [ipaddress.ip_address("127.0.0.1")]

    def fetch_here(url: str, *, max_bytes: int, accept: str) -> Fetched:
        fetcher = Fetcher(lambda address: True, lambda host, port: loopback)
        return fetcher.fetch(url, max_bytes=max_bytes, accept=accept)

    monkeypatch.setattr(context, "fetch", fetch_here)
    site = Site()
    yield site
    site.close()


@pytest.fixture
def search(database: Database, settings: Settings, person_a: Person) -> Callable[..., Job]:
    """Search here and now, as a worker would, and return the row; for A, unless for another."""

    def run(*feeds: str, owner: Person = person_a, using: Settings = settings, **more: Any) -> Job:
        params = {"job_title": "cook", "feeds": list(feeds), **more}
        if feeds:
            params.setdefault("sites", ["feed"])
        job_id = make_job(database, using, owner.id, kind="posting_search", params=params)
        with suppress(JobFailedError):
            runner.run(job_id, worker="a worker", database=database, settings=using)
        return read_job(database, owner.id, job_id)

    return run


def titles(job: Job) -> list[str]:
    return [posting.title for posting in Result.model_validate(job.result).postings]


def test_what_fits_is_found_in_a_feed(site: Site, search: Callable[..., Job]) -> None:
    """Once the feed changes, the new postings come with it; the old ones stay who they were."""
    site.pages["/a"] = (200, feed_of("Head cook", "Welder", "Cook (part time)"))
    before = search(f"{site.url}/a")
    assert sorted(titles(before)) == ["Cook (part time)", "Head cook"]
    (outcome,) = Result.model_validate(before.result).sites
    assert (outcome.label, outcome.status, outcome.count) == ("jobs.example", "ok", 2)
    site.pages["/a"] = (200, feed_of("Head cook", "Welder", "Cook (part time)", "Night cook"))
    after = Result.model_validate(search(f"{site.url}/a").result)
    known = {one.id for one in Result.model_validate(before.result).postings}
    assert [one.title for one in after.postings if one.id not in known] == ["Night cook"]


def test_korean_titles_are_matched_as_everywhere(site: Site, search: Callable[..., Job]) -> None:
    site.pages["/a"] = (200, feed_of("한식조리사 모집", "용접사"))
    assert titles(search(f"{site.url}/a", job_title="한식 조리사")) == ["한식조리사 모집"]


def test_old_entries_are_left_out(site: Site, search: Callable[..., Job]) -> None:
    site.pages["/old"] = (200, feed_of("Old cook", hours=3))
    site.pages["/new"] = (200, feed_of("New cook", hours=1))
    assert titles(search(f"{site.url}/old", f"{site.url}/new", hours_old=2)) == ["New cook"]


def test_one_feed_that_fails_spoils_nothing(site: Site, search: Callable[..., Job]) -> None:
    site.pages |= {
        "/good": (200, feed_of("Head cook")),
        "/page": (200, b"<html><body>Welcome</body></html>"),
        "/away": (503, b""),
        "/closed": (403, b""),
    }
    job = search(*(f"{site.url}{path}" for path in site.pages))
    assert (job.status, titles(job)) == ("succeeded", ["Head cook"])
    told = [(one.status, one.message) for one in Result.model_validate(job.result).sites]
    assert told == [
        ("ok", None),
        ("failed", MESSAGES["not_a_feed"]),
        ("failed", MESSAGES["no_answer"]),
        ("failed", MESSAGES["refused"]),
    ]


def test_a_feed_that_is_none_fails_the_search_with_a_sentence(
    site: Site, search: Callable[..., Job]
) -> None:
    site.pages["/page"] = (200, b"hello")
    job = search(f"{site.url}/page")
    assert (job.status, job.attempt, job.error_code) == ("failed", 1, "no_site_answered")
    assert job.error_message == "There is no feed of postings at this address."


def test_a_feed_that_asks_to_slow_down_is_left_alone(
    site: Site, search: Callable[..., Job]
) -> None:
    site.pages |= {"/a": (429, b""), "/b": (200, feed_of("Cook"))}
    job = search(f"{site.url}/a", f"{site.url}/b")
    assert job.status == "queued"  # to be tried again
    assert site.asked == ["/a"], "the other feed of the same host was asked"


def test_a_name_that_leads_inside_is_not_asked(
    site: Site, search: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = [ipaddress.ip_address("127.0.0.1")]
    fetcher = Fetcher(resolve_host=lambda host, port: inside)
    monkeypatch.setattr(context, "fetch", fetcher.fetch)
    job = search(f"{site.url}/a")
    assert job.error_message == "The address does not lead to the public internet."
    assert site.asked == []


def test_what_my_feed_told_is_shown_to_nobody_else(
    site: Site, search: Callable[..., Job], person_b: Person
) -> None:
    site.pages |= {"/mine": (200, feed_of("Secret cook")), "/theirs": (200, feed_of("Other cook"))}
    assert titles(search(f"{site.url}/mine")) == ["Secret cook"]
    assert titles(search(f"{site.url}/theirs", owner=person_b)) == ["Other cook"]
    assert "Secret cook" not in titles(search(owner=person_b))


@pytest.mark.parametrize("by", ["file", "address"])
def test_the_operators_feed_is_for_everybody(
    site: Site, search: Callable[..., Job], settings: Settings, tmp_path: Path, by: str
) -> None:
    """By a file, or by an address inside their own network."""
    file = tmp_path / "jobs.json"
    file.write_bytes(feed_of("House cook"))
    site.pages["/jobs.json"] = (200, feed_of("House cook"))
    source = str(file) if by == "file" else f"http://127.0.0.1:{site.port}/jobs.json"
    offering = settings.model_copy(update={"posting_sites": "feed", "posting_feeds": source})
    job = search(using=offering)
    assert titles(job) == ["House cook"]
    (outcome,) = Result.model_validate(job.result).sites
    assert outcome.site.startswith("feed/")
    assert outcome.label == ("jobs.json" if by == "file" else "127.0.0.1")
    assert str(tmp_path) not in json.dumps(job.result)


def test_a_file_that_is_gone_is_told_of(
    site: Site, search: Callable[..., Job], settings: Settings, tmp_path: Path
) -> None:
    offering = settings.model_copy(
        update={"posting_sites": "feed", "posting_feeds": str(tmp_path / "none.json")}
    )
    job = search(using=offering)
    assert job.error_message == MESSAGES["file_unreadable"]


def test_what_fits_best_comes_first_whatever_site_it_is_on(
    site: Site, search: Callable[..., Job], settings: Settings, database: Database, tmp_path: Path
) -> None:
    """The sample, asked first, has engineers of other trades alone."""
    load_sample_postings(database)
    file = tmp_path / "jobs.json"
    file.write_bytes(
        feed_of("Engineer of data", "Civil engineers", "Senior data engineer", "Data engineer at A")
    )
    offering = settings.model_copy(
        update={"posting_sites": "sample,feed", "posting_feeds": str(file)}
    )
    job = search(using=offering, job_title="data engineer")
    found = titles(job)
    assert set(found[:2]) == {"Senior data engineer", "Data engineer at A"}
    assert found[2] == "Engineer of data"
    assert {one.count for one in Result.model_validate(job.result).sites} == {4, 25}
    assert titles(search(using=offering, job_title="data engineer")) == found


def test_a_place_of_nearly_that_name_is_one_of_the_feed(
    site: Site, search: Callable[..., Job]
) -> None:
    """What is kept of others is none of its business."""
    site.pages["/a"] = (200, PLACED_FEED)
    for asked, meant in (("Reykjvik", "Reykjavik"), ("Londno", None)):
        result = Result.model_validate(search(f"{site.url}/a", location=asked).result)
        assert (result.postings, result.like_place) == ([], meant)
