"""A result passed on: its link made, copied, opened elsewhere, turned off; and kept as a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from browser_steps import DESK, PHONE, Meet, Product, choose_photo, fetch_status, send, shoot
from playwright.sync_api import expect

WORDS = {
    "en": ("Make a link", "Copied", "Turn the link off", "Opened 1 time"),
    "ko": ("링크 만들기", "복사했어요", "링크 끄기", "1번 열림"),
}


@pytest.mark.parametrize(
    ("language", "size", "scheme"),
    [("ko-KR", PHONE, "light"), ("en-GB", DESK, "dark")],
    ids=["ko-390", "en-1280-dark"],
)
def test_a_result_is_passed_on_and_kept(
    meet: Meet, product: Product, files: Path, language: str, size: dict[str, int], scheme: str
) -> None:
    """The page that became the result by itself has the buttons; another browser opens the link."""
    word = language[:2]
    name = f"{word}-{size['width']}-{scheme}"
    make, copied, end, opened_once = WORDS[word]
    person = meet(
        language, size, color_scheme=scheme, permissions=["clipboard-read", "clipboard-write"]
    )
    page = person.page()
    choose_photo(page, files)
    send(page)
    share = page.locator("#share")
    share.get_by_role("button", name=make).click()
    copy = share.locator("[data-copy]")
    expect(copy).to_be_visible()
    share.scroll_into_view_if_needed()
    shoot(page, f"share-{name}")
    copy.click()
    expect(copy).to_have_text(copied)
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.locator("#share-link").input_value()

    stranger = meet(language, size, color_scheme=scheme)
    opened = stranger.page(link)
    expect(opened.locator(".product").first).to_be_visible()
    expect(opened.locator("#share")).to_have_count(0)
    expect(opened.locator("#stop-texts")).to_have_count(0)
    page.reload()
    expect(share).to_contain_text(opened_once)

    with page.expect_download() as kept:
        share.get_by_role("link", name="JSON").click()
    assert len(json.loads(Path(kept.value.path()).read_text())["products"]) > 0
    share.get_by_role("button", name=end).click()
    expect(share.get_by_role("button", name=make)).to_be_visible()
    assert fetch_status(stranger, link) == 404
