"""Saved searches in a browser: kept fresh, their times seen, paused, run, and what is new marked.

Real workers search a feed that grows between the runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from api_client import start_web
from browser_steps import LOOKS, Meet, Product, fits, send, shoot, sign_in
from factories import new_number
from playwright.sync_api import Page, expect
from processes import Processes, wait_for

from models import Database, Settings
from tasks.enqueueing import enqueue_due

pytestmark = pytest.mark.browser
FORM = "/search/posting_search"
SEOUL, LONDON = ZoneInfo("Asia/Seoul"), ZoneInfo("Europe/London")
OLD = [("1", "Python developer at Ada"), ("2", "Python engineer at Bell")]
NEW = [("3", "Python teacher at Curie"), ("4", "Python tester at Darwin")]
WORDS: dict[str, dict[str, str]] = {
    "en": {
        "saved": "Saved",
        "keep": "Keep this fresh",
        "london": "London",
        "set up": "Set up: 2 found; from now on you hear of what is new",
        "new": "2 new of 4",
        "paused": "Paused",
        "active": "Active",
        "failed": "Paused: it failed",
        "run": "A run of Night bakers",
        "none": "Nothing is saved yet.",
        "missed": "Skipped: Our side was away at that time",
        "away": "runs were skipped",
    },
    "ko": {
        "saved": "저장한 검색",
        "keep": "계속 새로 찾기",
        "london": "런던",
        "set up": "준비됨: 2건을 찾았고, 이제부터 새로운 것을 알려 드려요",
        "new": "4건 중 새 결과 2건",
        "paused": "일시 정지",
        "active": "켜짐",
        "failed": "실패해서 멈춤",
        "run": "Night bakers 실행",
        "none": "저장한 검색이 아직 없어요.",
        "missed": "건너뜀: 그 시각에 서비스가 멈춰 있었어요",
        "away": "건너뛰었어요",
    },
}


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that the only site of this server reads."""
    return tmp_path_factory.mktemp("feed") / "jobs.json"


@pytest.fixture(scope="module")
def product(
    environment: dict[str, str],
    nothing_to_do: None,
    feed: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Product]:
    """The product with a feed as its only site, and a worker that also does what is scheduled."""
    processes = Processes(environment, tmp_path_factory.mktemp("logs"))
    more = {"POSTING_SITES": "feed", "POSTING_FEEDS": str(feed), "SPREAD_SECONDS": "0"}
    try:
        address = start_web(processes, **more).address
        processes.start(
            "worker", "--queues", "notifications", "--name", "texts", "--pool", "solo",
            BASE_URL=address, **more,
        )  # fmt: skip
        worker = processes.start("worker", "--concurrency", "2", BASE_URL=address, **more)
        for number in (-1, -2):
            wait_for(lambda: " ready." in processes.log(number), 30, "the worker")  # noqa: B023
        yield Product(address, worker.pid)
    finally:
        processes.end()


@pytest.fixture
def hold(feed: Path) -> Callable[..., None]:
    """Let the feed hold these postings."""

    def write(*postings: tuple[str, str]) -> None:
        items = [
            {"id": id_, "url": f"https://jobs.example/{id_}", "title": title, "content_text": title}
            for id_, title in postings
        ]
        feed.write_text(json.dumps({"version": "https://jsonfeed.org/version/1.1",
                                    "title": "Jobs", "items": items}))  # fmt: skip

    return write


def search(page: Page, address: str) -> None:
    """Search for Python and wait for what is found."""
    page.goto(address + FORM)
    page.fill("#job_title", "Python")
    send(page)
    expect(page.locator(".posting")).to_have_count(2)


def run_now(page: Page) -> None:
    """Run it, and wait on the page of the run for its end."""
    page.locator("form[action$='/runs'] button").first.click()
    page.wait_for_url("**/jobs/*")
    expect(page.locator("#job")).to_have_attribute("data-status", "succeeded")


@LOOKS
def test_kept_fresh_paused_run_and_what_is_new_is_marked(
    meet: Meet,
    product: Product,
    hold: Callable[..., None],
    database: Database,
    settings: Settings,
    owner_connection: psycopg.Connection,
    language: str,
    size: dict[str, int],
    scheme: str,
) -> None:
    """The whole walk of somebody in Seoul, by the times of London that this server suggests.

    Demand: 004-1, 004-36
    """
    words = WORDS[language[:2]]
    name = f"{language[:2]}-{size['width']}-{scheme}"
    hold(*OLD)
    owner_connection.execute("delete from saved_searches")
    person = meet(language, size, color_scheme=scheme)
    page = sign_in(person, new_number().removeprefix("+82"))
    page.locator(".top a[href='/saved']").click()
    expect(page.locator(".empty")).to_contain_text(words["none"])
    assert page.locator(".top").bounding_box()["height"] < 70  # type: ignore[index] - in one line
    shoot(page, f"saved-none-{name}")

    search(page, product.address)
    expect(page.locator(".fresh")).to_be_visible()
    shoot(page, f"saved-offer-{name}")
    page.locator(".fresh a.go").click()
    page.wait_for_url("**/saved/new?job=*")
    shown_times(page, words["london"])
    shoot(page, f"saved-new-{name}")

    # Whatever is chosen, the times follow; by one's own clock there is but one of them.
    page.locator(".choice", has=page.locator("[value=morning]")).click()
    expect(page.locator(".next-times small")).to_have_count(0)
    expect(page.locator(".next-times time").first).to_contain_text("08:00")
    page.locator(".choice", has=page.locator("[value=own]")).click()
    page.fill("#times-0", "07:30")
    page.fill("#times-1", "07:40")
    page.locator("label.chip", has=page.locator("[name=weekdays][value=sat]")).click()
    expect(page.locator(".times-words")).to_contain_text("30")  # minutes apart at least
    expect(page.locator(".next-times")).to_have_count(0)
    page.fill("#times-1", "19:15")
    page.fill("#time_zone", "Europe/London")
    expect(page.locator(".next-times time")).to_have_count(5)
    expect(page.locator(".next-times small").first).to_contain_text(re.compile("07:30|19:15"))
    page.locator("details:has(#cron) > summary").click()
    page.fill("#cron", "30 1 1 */3 *")
    expect(page.locator(".clock-change").first).to_be_visible()
    shoot(page, f"saved-own-{name}")
    page.fill("#cron", "0 8 * *")
    page.locator("#fresh button.go").click()
    expect(page.locator("#cron-problem")).to_be_visible()
    expect(page.locator(".summary:not([hidden])")).to_be_focused()
    expect(page.locator("#times-1")).to_have_value("19:15")
    shoot(page, f"saved-wrong-{name}")
    page.locator(".choice", has=page.locator("[value=suggested]")).click()
    page.locator(".fresh-more > summary").click()
    page.fill("#name", "Night bakers")
    shown_times(page, words["london"])
    page.locator("#fresh button.go").dblclick()
    page.wait_for_url("**/saved/*?made")
    address = page.url.removesuffix("?made")
    shown_times(page, words["london"])
    shoot(page, f"saved-made-{name}")

    run_now(page)
    expect(page.locator(".saved-run")).to_contain_text(words["run"])
    expect(page.locator(".saved-run")).to_contain_text(words["set up"])
    expect(page.locator(".badge.new")).to_have_count(0)
    page.goto(product.address + "/saved")
    expect(page.locator(".saved")).to_have_count(1)  # two taps
    expect(page.locator(".saved")).to_contain_text(words["set up"])
    page.locator("form[action$='/pause'] button").click()
    expect(page.locator(".saved .badge")).to_have_text(words["paused"])
    page.locator("form[action$='/resumption'] button").click()
    expect(page.locator(".saved .badge")).to_have_text(words["active"])
    page.goto(address)
    page.locator("form[action$='/pause'] button").click()
    expect(page.locator(".saved-head .badge")).to_have_text(words["paused"])
    shoot(page, f"saved-paused-{name}")
    page.locator("form[action$='/resumption'] button").click()
    page.wait_for_url("**?resumed")

    hold(*OLD, *NEW)
    run_now(page)
    expect(page.locator(".posting.is-new")).to_have_count(2)
    expect(page.locator(".saved-run")).to_contain_text(words["new"])
    shoot(page, f"saved-run-{name}")
    page.goto(product.address + "/jobs")
    expect(page.locator("#history li").first).to_contain_text(words["new"])

    # A page that is open hears of a run at one of its times.
    with page.expect_response("**/jobs/changes*"):
        page.goto(address)
    owner_connection.execute(
        # A day of London's clock, on which one day has 23 hours and one 25.
        "update saved_searches set next_slot_at = now(), planned_until ="
        " (now() at time zone 'Europe/London' - interval '1 day') at time zone 'Europe/London',"
        " missed_limit_seconds = 172800"
    )
    enqueue_due(database, settings.model_copy(update={"spread_seconds": 0.01}), seconds=10)
    expect(page.locator(".slots li")).to_have_count(8)  # two of them by hand
    expect(page.locator(".slots")).to_contain_text(words["missed"])
    shoot(page, f"saved-past-{name}")
    page.goto(product.address + "/saved")
    shoot(page, f"saved-list-{name}")
    page.goto(address)
    expect(page.locator(".saved-head .badge")).to_have_text(words["active"])
    owner_connection.execute(
        "update saved_searches set paused_at = now(), pause_reason = 'failures'"
    )
    page.evaluate("document.body.dispatchEvent(new Event('textback:changed'))")
    expect(page.locator(".saved-head .badge")).to_have_text(words["failed"])
    expect(page.locator("form[action$='/pause']")).to_have_count(0)
    expect(page.locator("form[action$='/resumption'] button")).to_be_visible()
    shoot(page, f"saved-failed-{name}")
    page.locator("a[href$='/edit']").click()
    expect(page.locator("#name")).to_have_value("Night bakers")
    shoot(page, f"saved-edit-{name}")
    owner_connection.execute(
        "update saved_searches set paused_at = null, pause_reason = null,"
        " next_slot_at = now() + interval '1 hour';"
        "update occurrences set skipped = 'away', job_id = null"
    )
    page.goto(product.address)
    expect(page.locator(".saved-note")).to_contain_text(words["away"])
    shoot(page, f"saved-away-{name}")
    page.goto(f"{address}/deletion")
    shoot(page, f"saved-deletion-{name}")
    page.locator("button.danger").click()
    page.wait_for_url("**/saved?deleted")
    expect(page.locator(".empty")).to_contain_text(words["none"])


def shown_times(page: Page, place: str) -> None:
    """See the next five times: in Seoul, and what the clock in London shows then."""
    rows = page.locator(".next-times li")
    expect(page.locator(".next-times small").first).to_contain_text(place)
    expect(rows).to_have_count(5)
    for row in rows.all():
        moment = row.locator("time").get_attribute("datetime")
        assert moment is not None
        at = datetime.fromisoformat(moment)
        assert f"{at.astimezone(SEOUL):%H:%M}" in row.locator("time").inner_text()
        there = row.locator("small").inner_text()
        assert f"{at.astimezone(LONDON):%H:%M}" in there and place in there


def test_kept_fresh_without_javascript(
    meet: Meet, product: Product, hold: Callable[..., None], owner_connection: psycopg.Connection
) -> None:
    """The times come by a button, nothing typed is lost, and the rest is forms."""
    hold(*OLD)
    owner_connection.execute("delete from saved_searches")
    person = meet("en-GB", java_script_enabled=False)
    page = person.page()
    search(page, product.address)
    page.locator(".fresh a.go").click()
    expect(page.locator(".next-times li")).to_have_count(5)
    page.locator(".choice", has=page.locator("[value=own]")).click()
    page.fill("#times-0", "09:20")
    page.fill("#time_zone", "Asia/Seoul")
    page.locator(".fresh-more > summary").click()
    page.fill("#name", "By hand")
    page.locator(".show-times").click()
    expect(page.locator(".next-times time")).to_have_count(5)
    expect(page.locator(".next-times small").first).to_contain_text("09:20 in Seoul")
    expect(page.locator("#times-0")).to_have_value("09:20")
    expect(page.locator("#name")).to_have_value("By hand")
    shoot(page, "saved-no-script-en-390-light", has_scripts=False)
    page.locator("#fresh button.go").click()
    page.wait_for_url("**/saved/*?made")
    expect(page.locator("h1")).to_have_text("By hand")
    run_now(page)
    page.goto(product.address + "/saved")
    page.locator("form[action$='/pause'] button").click()
    expect(page.locator(".saved .badge")).to_have_text("Paused")
    assert fits(page)


def test_the_form_is_used_by_keyboard_alone(
    meet: Meet, product: Product, hold: Callable[..., None], owner_connection: psycopg.Connection
) -> None:
    """Choices by arrow keys, the rest by tab; Enter saves."""
    hold(*OLD)
    owner_connection.execute("delete from saved_searches")
    page = meet().page()
    search(page, product.address)
    page.goto(product.address + "/saved")
    shoot(page, "saved-none-yet-en-390-light")
    page.locator(".searched a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/saved/new?job=*")
    page.locator("[value=suggested]").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[value=morning]")).to_be_checked()
    expect(page.locator(".next-times time").first).to_contain_text("08:00")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(page.locator("#times-0")).to_be_focused()
    page.fill("#times-0", "06:45")
    page.locator("#times-0").press("Enter")
    page.wait_for_url("**/saved/*?made")
    at = datetime.fromisoformat(
        page.locator(".next-times time").first.get_attribute("datetime") or ""
    )
    assert f"{at.astimezone(SEOUL):%H:%M}" == "06:45"
    assert at - datetime.now(SEOUL) < timedelta(days=1)
