"""Every time of a saved search is by the account's clock, whatever device shows it."""

from __future__ import annotations

import psycopg
import pytest
from browser_steps import DESK, Meet, Product, send, shoot
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
FORM = "/search/posting_search"


def times_on_its_page(page: Page) -> list[str]:
    """Read all times that the page of a saved search shows."""
    return [time.inner_text() for time in page.locator("main time").all()]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en-GB", ("By your clock: Seoul", "By your clock: New York", "clock in New York")),
        ("ko-KR", ("내 시계 기준: 서울", "내 시계 기준: 뉴욕", "이 기기의 시계는 뉴욕")),
    ],
)
def test_two_devices_in_two_zones_show_the_same_times(
    meet: Meet,
    product: Product,
    owner_connection: psycopg.Connection,
    language: str,
    words: tuple[str, str, str],
) -> None:
    """In the list and on its page, with the clock named; the other one is offered, and taken."""
    own, there, offered = words
    owner_connection.execute("delete from saved_searches")
    home = meet(language)
    page = home.page(FORM)
    page.fill("#job_title", "Baker")
    send(page)
    page.locator(".fresh a.go").click()
    page.locator(".choice", has=page.locator("[value=morning]")).click()
    page.locator("#fresh button.go").click()
    page.wait_for_url("**/saved/*?made")
    path = page.url.removeprefix(product.address).removesuffix("?made")
    page.locator("form[action$='/runs'] button").click()
    page.wait_for_url("**/jobs/*")
    page.goto(product.address + path)
    expect(page.locator(".next-times time").first).to_contain_text("08:00")
    times = times_on_its_page(page)
    page.goto(product.address + "/saved")
    expect(page.locator(".saved time").first).to_have_text(times[0])
    expect(page.locator(".own-clock")).to_have_text(own)
    expect(page.locator(".clock-offer")).to_have_count(0)

    abroad = meet(
        language,
        DESK,
        timezone_id="America/New_York",
        storage_state=home.context.storage_state(),
    )
    away = abroad.page("/saved")
    expect(away.locator(".clock-offer")).to_contain_text(offered)
    assert [time.inner_text() for time in away.locator(".saved time").all()] == [
        time.inner_text() for time in page.locator(".saved time").all()
    ]
    shoot(away, f"saved-clock-{language[:2]}-1280-light")
    away.goto(product.address + path)
    assert times_on_its_page(away) == times
    expect(away.locator(".times .fine").first).to_have_text(own)
    away.goto(f"{product.address}{path}/edit")
    expect(away.locator(".choices").first).to_contain_text(own.rpartition(" ")[2])
    away.locator(".clock-offer button").click()
    away.wait_for_url(f"**{path}/edit")
    expect(away.locator(".choices").first).to_contain_text(there.rpartition(" ")[2])
    expect(away.locator(".next-times + .fine")).to_have_text(there)
    expect(away.locator(".clock-offer")).to_have_count(0)
    away.locator(".choice", has=away.locator("[value=morning]")).click()
    expect(away.locator(".next-times time").first).to_contain_text("08:00")

    page.goto(product.address + path)
    expect(page.locator(".times .fine").first).to_have_text(there)
    expect(page.locator(".clock-offer")).to_be_visible()
    shoot(page, f"saved-clock-{language[:2]}-390-light")
