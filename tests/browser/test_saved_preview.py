"""While the form of a saved search is filled in, what is wrong stands at its field."""

from __future__ import annotations

import pytest
from browser_steps import DESK, PHONE, Meet, send, shoot
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
FORM = "/search/posting_search"


@pytest.mark.parametrize(
    ("language", "size", "minute", "zone"),
    [
        ("en-GB", DESK, "the minute, its first field, must be of 0 to 59", "such as Seoul"),
        ("ko-KR", PHONE, "첫 번째 칸인 분은 0부터 59까지예요", "예: 서울"),
    ],
)
def test_what_is_wrong_stands_at_its_field_before_it_is_sent(
    meet: Meet, language: str, size: dict[str, int], minute: str, zone: str
) -> None:
    """Line and zone at once, both told to a screen reader; what is right again is not marked."""
    page = meet(language, size).page(FORM)
    page.fill("#job_title", "Baker")
    send(page)
    page.locator(".fresh a.go").click()
    page.locator(".choice", has=page.locator("[value=own]")).click()
    page.locator("details:has(#cron) > summary").click()
    page.fill("#time_zone", "Seul")
    page.fill("#cron", "61 19 * * *")
    expect(page.locator("#cron-problem")).to_contain_text(minute)
    expect(page.locator("#time_zone-problem")).to_contain_text(zone)
    expect(page.locator("#cron")).to_have_attribute("aria-describedby", "cron-about cron-problem")
    expect(page.locator("#time_zone")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".times-words")).to_contain_text(minute)
    shoot(page, f"saved-preview-{language[:2]}-{size['width']}-light")
    page.fill("#time_zone", "서울")
    expect(page.locator("#time_zone-problem")).to_be_hidden()
    expect(page.locator("#time_zone[aria-describedby], #time_zone[aria-invalid]")).to_have_count(0)
    expect(page.locator("#cron-problem")).to_be_visible()
    page.fill("#cron", "")
    times = page.locator("fieldset", has=page.locator("> #times-problem"))
    expect(page.locator("#times-problem")).to_be_visible()
    expect(times).to_have_attribute("aria-describedby", "times-problem")
    page.fill("#times-0", "08:00")
    expect(page.locator("#times-problem")).to_be_hidden()
    expect(page.locator("fieldset[aria-describedby~='times-problem']")).to_have_count(0)
    page.fill("#times-1", "08:10")
    expect(page.locator("#schedule-problem")).to_contain_text("30")
    expect(page.locator("#cron-problem")).to_be_hidden()
    page.fill("#times-1", "")
    expect(page.locator(".next-times time")).to_have_count(5)
    expect(page.locator(".problem:visible")).to_have_count(0)
