"""What keeps itself up to date on every page, and what is worth looking at closely."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser_steps import LOOKS, Meet, Product, choose_photo, send, shoot
from playwright.sync_api import expect
from processes import wait_for

pytestmark = pytest.mark.browser
KEPT_PHOTOS = "caches.open('textback-drafts').then((all) => all.keys()).then((all) => all.length)"


@LOOKS
def test_the_header_counts_on_every_page_and_the_list_keeps_itself_up_to_date(
    meet: Meet, product: Product, files: Path, language: str, size: dict[str, int], scheme: str
) -> None:
    """A search that begins or ends elsewhere changes the number and the row, with no reload.

    Demand: 002-28
    """
    name = f"{language[:2]}-{size['width']}-{scheme}"
    person = meet(language, size, color_scheme=scheme)
    page = person.page()
    with product.at_rest():
        choose_photo(page, files)
        send(page)
        expect(page.locator("#active .count")).to_have_text("1")
        other = person.page()
        expect(other.locator("#active .count")).to_have_text("1")
        expect(other.locator("#beside")).to_be_visible()
        choose_photo(other, files)
        other.locator("label.chip", has=other.locator("[value=dress]")).click()
        send(other)
        expect(page.locator("#active .count")).to_have_text("2")  # by itself
        listed = person.page("/jobs")
        listed.evaluate("window.sameDocument = true")
        expect(listed.locator("#active .count")).to_have_text("2")
        listed.locator("#history li > a").first.focus()
        shoot(listed, f"history-{name}")
    expect(listed.locator(".badge.succeeded")).to_have_count(2)
    assert listed.evaluate("document.activeElement.closest('#history li') !== null")
    assert listed.evaluate("window.sameDocument")
    for tab in (page, other, listed):
        expect(tab.locator("#active .count")).to_have_count(0)
    # Found by what was asked, while one types.
    listed.fill("#q", {"en": "dress", "ko": "원피스"}[language[:2]])
    expect(listed.locator("#history li")).to_have_count(1)
    listed.fill("#q", "zzz")
    expect(listed.locator(".empty")).to_be_visible()
    shoot(listed, f"history-none-{name}")
    listed.fill("#q", "")
    expect(listed.locator("#history li")).to_have_count(2)
    listed.locator("#history .row-link").first.click()
    expect(listed.locator("form[action$='/deletion'] button")).to_be_visible()
    shoot(listed, f"deletion-{name}")
    listed.locator("form[action$='/deletion'] button").click()
    expect(listed.locator("#history li")).to_have_count(1)


@LOOKS
def test_a_search_that_runs_tells_something_and_its_matches_are_seen_large(
    meet: Meet, product: Product, files: Path, language: str, size: dict[str, int], scheme: str
) -> None:
    """One sentence at a time about this search; then each match large, beside one's own photo.

    Demand: 004-22
    """
    name = f"{language[:2]}-{size['width']}-{scheme}"
    person = meet(language, size, color_scheme=scheme)
    page = person.page()
    with product.at_rest():
        choose_photo(page, files)
        send(page)
        shown = page.locator("#insights li.shown")
        expect(shown).to_contain_text("509")
        height = page.locator("#insights").bounding_box()
        page.locator("#insights button").click()
        expect(shown).not_to_contain_text("509")
        assert page.locator("#insights").bounding_box() == height
        shoot(page, f"insight-{name}")
    expect(page.locator(".product").first).to_be_visible()
    box = page.locator("#lightbox")
    expect(box).to_be_hidden()
    names = page.locator(".product :is(h2, h3)")
    page.locator("a.picture").nth(1).press("Enter")
    expect(box).to_be_visible()
    expect(box.locator(".lightbox-name")).to_have_text(names.nth(1).inner_text())
    expect(box.locator(".alike")).to_contain_text("%")
    expect(box.locator(".lightbox-own img")).to_be_visible()
    own = {"en": "Your photo", "ko": "내 사진"}[language[:2]]
    expect(box.locator(".lightbox-own figcaption")).to_have_text(own)
    shoot(page, f"lightbox-{name}")
    page.keyboard.press("ArrowLeft")
    expect(box.locator(".lightbox-name")).to_have_text(names.nth(0).inner_text())
    expect(box.locator("[data-step='-1']")).to_have_attribute("aria-disabled", "true")
    box.locator("[data-step='1']").click()
    expect(box.locator(".lightbox-name")).to_have_text(names.nth(1).inner_text())
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    expect(page.locator("a.picture").nth(1)).to_be_focused()


def test_what_was_filled_in_survives_a_reload_until_it_is_sent_or_cleared(
    meet: Meet, product: Product, files: Path
) -> None:
    """The photo too; another tab has its own."""
    person = meet()
    page = person.page()
    choose_photo(page, files)
    page.locator("label.chip", has=page.locator("[value=bag]")).click()
    page.select_option("#country", "KR")
    page.fill("#phone", "010-1234-5678")
    wait_for(lambda: page.evaluate(KEPT_PHOTOS) == 1, 10, "the photo to be kept")
    page.reload()
    expect(page.locator(".preview")).to_be_visible()
    expect(page.locator("#image")).to_have_js_property("value", "C:\\fakepath\\coffee.jpg")
    expect(page.locator("[value=bag]")).to_be_checked()
    expect(page.locator("#phone")).to_have_value("010-1234-5678")
    expect(page.locator("#country")).to_have_value("KR")
    other = person.page()
    expect(other.locator("#ask")).to_be_visible()
    expect(other.locator(".preview")).to_be_hidden()
    page.locator("#clear").click()
    expect(page.locator("[value=bag]")).not_to_be_checked()
    expect(page.locator(".preview")).to_be_hidden()
    expect(page.locator("#phone")).to_have_value("")
    choose_photo(page, files)
    wait_for(lambda: page.evaluate(KEPT_PHOTOS) == 1, 10, "the photo to be kept")
    page.reload()
    expect(page.locator(".preview")).to_be_visible()
    send(page)
    expect(page.locator(".product").first).to_be_visible()
    page = page.context.pages[0]
    page.goto(product.address)
    expect(page.locator("#ask")).to_be_visible()
    expect(page.locator(".preview")).to_be_hidden()
    assert page.evaluate(KEPT_PHOTOS) == 0


@pytest.mark.parametrize(
    ("language", "said"),
    [("en-GB", "No connection just now"), ("ko-KR", "지금은 연결이 안 돼요")],
    ids=["en", "ko"],
)
def test_without_a_connection_there_is_a_page_that_says_so(
    meet: Meet, product: Product, language: str, said: str
) -> None:
    """In the language of the page before, and the page asked for comes by itself afterwards."""
    person = meet(language)
    page = person.page()
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    page.reload()  # from here on the browser asks the script that keeps the page
    expect(page.locator("#ask")).to_be_visible()
    person.context.set_offline(True)
    page.goto(f"{product.address}/jobs")
    expect(page.locator("h1")).to_have_text(said)
    shoot(page, f"offline-{language[:2]}-390-light")
    person.context.set_offline(False)
    expect(page.locator("h1")).to_have_text({"en": "Your searches", "ko": "내 검색"}[language[:2]])
    manifest = page.evaluate(
        "fetch(document.querySelector('[rel=manifest]').href).then((all) => all.json())"
    )
    icons = [icon["src"] for icon in manifest["icons"]]
    for icon in icons:
        answer = page.request.get(f"{product.address}/static/{icon}")
        assert (answer.status, re.match("image/", answer.headers["content-type"]) is not None) == (
            200,
            True,
        )


# Where the browser itself sent a request to, by a route of the script; "" when it asked the script.
ROUTED_TO = """
async (path) => {
  const address = new URL(path, location.href).href;
  const entry = new Promise((resolve) => new PerformanceObserver((list) => {
    const [found] = list.getEntriesByName(address);
    if (found) resolve(found);
  }).observe({ type: "resource" }));
  await (await fetch(address)).text();
  return (await entry).workerMatchedSourceType;
}
"""


def test_the_offline_script_is_woken_for_nothing_that_never_needs_it(
    meet: Meet, product: Product
) -> None:
    """Else it would be for every picture of an answer, and every event of a page that waits."""
    page = meet("en-GB").page()
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    page.reload()
    never = [
        "/api/v1/kinds",
        "/jobs/active",
        f"/products/{'0' * 32}/picture",
        f"/photos/{'0' * 32}",
    ]
    for path in never:
        assert (path, page.evaluate(ROUTED_TO, path)) == (path, "network")
    for path in ("/", "/api/docs"):
        assert (path, page.evaluate(ROUTED_TO, path)) == (path, "")
