"""Stopping a search and running it again, with a real worker, on two devices and by keyboard."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from browser_steps import DESK, Meet, Product, choose_photo, job_id, owner_of, send
from factories import make_job
from playwright.sync_api import expect

from models import Database, Settings

pytestmark = pytest.mark.browser


def test_running_search_is_stopped_on_every_device(
    meet: Meet,
    product: Product,
    files: Path,
    database: Database,
    settings: Settings,
    owner_connection: psycopg.Connection,
) -> None:
    """One press: said at once here, and a moment later here and there. Then once more from there.

    Demand: 004-27, 004-28, 004-29
    """
    person = meet()
    page = person.page()
    choose_photo(page, files)
    send(page)
    expect(page.locator(".product").first).to_be_visible()
    owner = owner_of(owner_connection, job_id(page))
    slow = make_job(database, settings, owner, params={"steps": 1000, "step_seconds": 0.2})
    page = person.page(f"/jobs/{slow}")
    desk = meet(size=DESK, storage_state=person.context.storage_state())
    second = desk.page(f"/jobs/{slow}")
    listed = desk.page()
    listed.get_by_role("link", name="Your searches").click()
    expect(second.locator("#steps dd")).to_have_text(re.compile(r"\d+ of 1000"))
    page.evaluate("window.sameDocument = true")
    said_at_once = page.evaluate(
        """() => {
            const button = document.querySelector("#stop button");
            button.click();
            return button.textContent;
        }"""
    )
    assert said_at_once == "Stopping …"
    for tab in (page, second):
        expect(tab.locator("h1")).to_have_text("This search was cancelled")
    assert page.evaluate("window.sameDocument")
    row = listed.locator(f"#job-{slow}")
    expect(row.locator(".badge")).to_have_text("Cancelled")

    row.get_by_role("button", name="Search again").click()
    listed.wait_for_url(lambda url: re.search(r"/jobs/[0-9a-f-]{36}$", url) is not None)
    assert job_id(listed) != slow
    expect(listed.locator(".relation a")).to_have_attribute("href", f"/jobs/{slow}")
    expect(listed.locator("#stop button")).to_be_visible()
    listed.locator("#stop button").click()
    expect(listed.locator("h1")).to_have_text("This search was cancelled")


def test_waiting_search_is_cancelled_and_run_again_by_keyboard(
    meet: Meet, product: Product, files: Path
) -> None:
    """Each button is reached by the tab key, named, and seen when it has the focus."""
    page = meet(size=DESK).page()
    choose_photo(page, files)
    with product.at_rest():
        send(page)
        first = job_id(page)
        stop = page.get_by_role("button", name="Cancel this search")
        for _ in range(12):
            if stop.evaluate("one => one === document.activeElement"):
                break
            page.keyboard.press("Tab")
        expect(stop).to_be_focused()
        assert stop.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("This search was cancelled")
        expect(page.locator("h1")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Search again")).to_be_focused()
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: str(first) not in url)
    expect(page.locator(".product").first).to_be_visible()


def test_two_taps_on_search_again_make_one(
    meet: Meet, product: Product, files: Path, owner_connection: psycopg.Connection
) -> None:
    """And asked once more from its own note, it is another search."""
    page = meet().page()
    choose_photo(page, files)
    send(page)
    expect(page.locator(".product").first).to_be_visible()
    first = page.url
    with product.at_rest():
        page.get_by_role("button", name="Search again").dblclick()
        page.wait_for_url(lambda url: url != first)
        owner = owner_of(owner_connection, job_id(page))
        count = "select count(*) from jobs where owner_id = %s"
        assert owner_connection.execute(count, (owner,)).fetchone() == (2,)
        again = page.context.new_page()
        again.goto(first)
        again.get_by_role("button", name="Search again").click()
        again.wait_for_url("**?already")
        assert job_id(again) == job_id(page)
        again.get_by_role("button", name="Start it once more").click()
        again.wait_for_url(lambda url: "already" not in url)
        assert owner_connection.execute(count, (owner,)).fetchone() == (3,)
    for tab in (page, again):
        expect(tab.locator(".product").first).to_be_visible()


def test_search_is_stopped_without_javascript(meet: Meet, product: Product, files: Path) -> None:
    """A form and a page that comes back with the truth."""
    page = meet(java_script_enabled=False).page()
    page.set_input_files("#image", files / "coffee.jpg")
    with product.at_rest():
        send(page)
        page.get_by_role("button", name="Cancel this search").click()
        expect(page.locator("h1")).to_have_text("This search was cancelled")
        page.locator("#timeline summary").click()
        expect(page.locator("#timeline li")).to_have_count(2)
        expect(page.locator("#timeline")).to_contain_text("Times: UTC")
