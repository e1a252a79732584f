"""Where lines break, and what stands level with what."""

from __future__ import annotations

import psycopg
import pytest
from browser_steps import PHONE, Meet, Product, send
from playwright.sync_api import expect

from models import Database
from models.posting import NewPosting
from models.posting_store import keep_postings

pytestmark = pytest.mark.browser
FORM = "/search/posting_search"
# How many of the words of an element are drawn over two lines.
BROKEN = """(element) => {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let broken = 0;
  while (walker.nextNode()) {
    for (const word of walker.currentNode.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(walker.currentNode, word.index);
      range.setEnd(walker.currentNode, word.index + word[0].length);
      broken += new Set([...range.getClientRects()].map((one) => Math.round(one.top))).size > 1;
    }
  }
  return broken;
}"""
# Where the first two lines of an element begin and end.
LINES = "(element) => [...element.getClientRects()].slice(0, 2).map((one) => [one.top, one.bottom])"


def test_korean_words_stay_whole_on_english_pages(
    meet: Meet, product: Product, database: Database, owner_connection: psycopg.Connection
) -> None:
    """In cards and in buttons, however narrow; and labels are level with the first line beside.

    No row of filters, no gap for one.
    """
    owner_connection.execute("delete from saved_searches")
    title = "도자기박물관 어린이교육프로그램 진행강사 모집합니다"
    told = [
        NewPosting(f"{title} {n}", company="흙과불공방", location="서울특별시 종로구", age_hours=5)
        for n in (1, 2)
    ]
    with database.worker() as session:
        keep_postings(session, "sample", told)
    try:
        page = meet("en-GB", {**PHONE, "width": 360}).page(FORM)
        page.fill("#job_title", "도자기박물관 어린이교육프로그램 진행강사")
        send(page)
        expect(page.locator(".posting")).to_have_count(2)
    finally:
        owner_connection.execute("delete from postings where site = 'sample'")
    assert [card.evaluate(BROKEN) for card in page.locator(".posting").all()] == [0, 0]
    shown, search = page.locator("#postings"), page.locator("#sift")
    gap = shown.bounding_box()["y"] - sum(search.bounding_box()[one] for one in ("y", "height"))  # type: ignore[index]
    assert gap < 20

    page.goto(product.address + "/saved")
    button = page.locator(".searched a.go").first
    assert button.evaluate(BROKEN) == 0
    button.click()
    page.locator("#fresh button.go").click()
    page.wait_for_url("**/saved/*?made")
    page.locator("form[action$='/runs'] button").click()
    page.wait_for_url("**/jobs/*")
    expect(page.locator("#job")).to_have_attribute("data-status", "succeeded")
    page.goto(product.address + "/saved")
    last = page.locator(".saved-facts > div").last
    assert last.locator("a").evaluate("(one) => one.getClientRects().length") > 1
    label = last.locator("dt").bounding_box()
    assert label is not None
    middle = label["y"] + label["height"] / 2
    first, second = last.locator("a").evaluate(LINES)
    assert first[0] < middle < first[1]
    assert middle < second[0]
