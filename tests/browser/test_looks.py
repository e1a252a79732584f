"""Each state of a search as people see it, in both languages, sizes and colours.

The test is the worker here, so that each state stays as long as it is looked at.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from browser_steps import (
    LOOKS,
    Meet,
    Product,
    choose_photo,
    job_id,
    owner_of,
    send,
    shoot,
)
from cast import make_person
from factories import claim_job, make_job, read_job
from playwright.sync_api import Page, expect
from processes import wait_for
from sqlalchemy import update

from models import Claim, Database, Job, Progress, Settings, Upload
from tasks.wake import wake_on_commit

pytestmark = pytest.mark.browser
LEFT = re.compile(r"\d+.*(left|남았어요|끝나요)$")
WORDS: dict[str, dict[str, str]] = {
    "en": {
        "third": "3rd in line",
        "learning": "Still learning how long this takes",
        "already": "This search is already running, so we show it.",
        "stopping": "Stopping …",
        "cancelled": "This search was cancelled",
        "partial": "Partial: stopped before the end",
        "begun": "Started.",
        "expired": "This result has expired",
    },
    "ko": {
        "third": "3번째",
        "learning": "얼마나 걸리는지 아직 알아보는 중이에요",
        "already": "같은 검색이 이미 진행 중이라 그 화면을 보여 드려요.",
        "stopping": "멈추는 중 …",
        "cancelled": "취소된 검색이에요",
        "partial": "일부 결과: 끝나기 전에 멈췄어요",
        "begun": "시작했어요.",
        "expired": "보관 기간이 지난 결과예요",
    },
}


def report(database: Database, claim: Claim, progress: Progress) -> None:
    """Say how far the job is, as its worker would."""
    with database.worker() as session:
        claim.heartbeat(session, lease_seconds=600, progress=progress)
        wake_on_commit(session, claim.job_id)


@pytest.fixture(scope="module")
def learnt(product: Product, database: Database, settings: Settings, files: Path) -> None:
    """Five searches that took 20 to 40 seconds, so that there is something to learn from."""
    assert settings.migration_database_url is not None
    with psycopg.connect(settings.migration_database_url.get_secret_value()) as connection:
        # Those of other tests took no time.
        connection.execute("delete from jobs where kind = 'image_search' and status = 'succeeded'")
    person = make_person(database)
    with database.owner(person.id) as session, (files / "coffee.jpg").open("rb") as photo:
        upload = Upload.store(session, person.id, photo, media_type="image/jpeg").id
    jobs = [
        make_job(
            database,
            settings,
            person.id,
            kind="image_search",
            params={"image": str(upload), "limit": number},
        )
        for number in range(1, 6)
    ]
    for job in jobs:
        wait_for(lambda job=job: read_job(database, person.id, job).is_final, 30, "a search")
    with database.owner(person.id) as session:
        for seconds, job in zip((20, 25, 30, 35, 40), jobs, strict=True):
            session.execute(
                update(Job)
                .where(Job.id == job)
                .values(started_at=Job.finished_at - timedelta(seconds=seconds))
            )


@LOOKS
def test_search_is_seen_in_each_state(
    meet: Meet,
    product: Product,
    learnt: None,
    files: Path,
    database: Database,
    settings: Settings,
    owner_connection: psycopg.Connection,
    language: str,
    size: dict[str, int],
    scheme: str,
) -> None:
    """In line, running with what is left, asked for twice, stopping, cancelled with a part,
    expired: true at once on the open page, and nothing on it moves meanwhile.
    """
    words = WORDS[language[:2]]
    name = f"{language[:2]}-{size['width']}-{scheme}"
    person = meet(language, size, color_scheme=scheme)
    page = person.page()
    choose_photo(page, files)
    send(page)
    expect(page.locator(".product").first).to_be_visible()
    owner = owner_of(owner_connection, job_id(page))
    found = read_job(database, owner, job_id(page)).result
    assert found is not None
    with product.at_rest():
        for _ in range(2):
            make_job(database, settings, make_person(database).id)
        page = person.page()
        choose_photo(page, files)
        page.locator("label.chip", has=page.locator("[value=dress]")).click()
        send(page)
        path, job = page.url, job_id(page)
        expect(page.locator("#position dd")).to_have_text(words["third"])
        expect(page.locator("#left")).to_have_text(LEFT)
        page.evaluate("window.sameDocument = true")
        shoot(page, f"queued-{name}")

        watch_shifts(page)  # of its own accord: a picture of all of it makes a page larger
        claim = claim_job(database, job, lease_seconds=600)
        report(database, claim, Progress(33, 1, 3, "steps", "Looking at the photo"))
        expect(page.locator("#steps dd")).to_contain_text("1")
        expect(page.locator("#left")).to_have_text(LEFT)
        expect(page.locator("#position")).to_be_hidden()
        assert page.evaluate(SHIFTED) == 0
        shoot(page, f"running-{name}")

        with database.worker() as session:
            part = {**found, "products": found["products"][:2]}
            claim.save_partial(session, part, result_count=2)
            wake_on_commit(session, job)
        expect(page.locator("#so-far .product")).to_have_count(2)
        shoot(page, f"so-far-{name}")

        twice = person.page()
        choose_photo(twice, files)
        twice.locator("label.chip", has=twice.locator("[value=dress]")).click()
        send(twice)
        expect(twice.locator(".already")).to_contain_text(words["already"])
        shoot(twice, f"already-{name}")
        twice.close()

        page.locator("#timeline summary").click()
        expect(page.locator("#timeline")).to_contain_text(words["begun"])
        shoot(page, f"timeline-{name}")
        page.locator("#stop button").click()
        expect(page.locator("#stop button")).to_have_text(words["stopping"])
        expect(page.locator("#live-title")).to_have_text(words["stopping"])
        expect(page.locator("#timeline li")).to_have_count(3)  # still open, and up to date
        listed = person.page("/jobs")
        expect(listed.locator(".badge.stopping")).to_have_text(words["stopping"])
        shoot(listed, f"list-{name}")
        shoot(page, f"stopping-{name}")

        with database.worker() as session:
            part = {**found, "products": found["products"][:3]}
            claim.save_partial(session, part, result_count=3)
            claim.cancel(session)
            wake_on_commit(session, job)
        expect(page.locator("h1").first).to_have_text(words["cancelled"])
        expect(page.locator("h1").first).to_be_focused()
        expect(page.locator(".partial-label")).to_have_text(words["partial"])
        expect(page.locator(".partial .product")).to_have_count(3)
        assert page.evaluate("window.sameDocument")
        shoot(page, f"cancelled-{name}")
        expect(listed.locator(".badge.cancelled")).to_be_visible()

        owner_connection.execute(
            "update jobs set expires_at = now() - interval '1 hour' where id = %s", (job,)
        )
        gone = person.page(path)
        expect(gone.locator("h1")).to_have_text(words["expired"])
        shoot(gone, f"expired-{name}")


# What has moved is told of after the frame in which it did.
SHIFTED = """() => new Promise((told) => requestAnimationFrame(() =>
    requestAnimationFrame(() => setTimeout(() => told(window.shifted)))))"""


def watch_shifts(page: Page) -> None:
    """Count from now on what moves without somebody having touched the page."""
    page.evaluate(
        """() => {
            window.shifted = 0;
            new PerformanceObserver((list) => {
                for (const entry of list.getEntries()) {
                    if (!entry.hadRecentInput) window.shifted += entry.value;
                }
            }).observe({type: "layout-shift"});
        }"""
    )
