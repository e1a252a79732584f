"""The whole walk in a browser: a photo goes in, a text comes, its link opens anywhere."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from browser_steps import (
    DESK,
    PHONE,
    Meet,
    Product,
    choose_photo,
    fetch_status,
    fill_search,
    find_link,
    job_id,
    load_pictures,
    owner_of,
    send,
    shoot,
    type_code,
)
from factories import as_typed, make_job, new_number
from playwright.sync_api import expect

from models import Database, Settings

pytestmark = pytest.mark.browser
TICKING = re.compile(r"^(0:0[1-9]|0:[1-5]\d|[1-9]\d*:\d\d)$")
NEXT = {"en": "Next in line", "ko": "다음 차례"}
TEXTED = {"en": "We texted the link", "ko": "링크를 보냈어요"}
LOCK = {
    "en": "You can close the app or lock your phone.",
    "ko": "앱을 닫거나 휴대폰을 잠가도 괜찮아요!",
}


@pytest.mark.parametrize(
    ("language", "size", "scheme"),
    [
        ("en-GB", PHONE, "light"),
        ("ko-KR", PHONE, "dark"),
        ("en-GB", DESK, "dark"),
        ("ko-KR", DESK, "light"),
    ],
    ids=["en-390", "ko-390-dark", "en-1280-dark", "ko-1280"],
)
def test_photo_in_text_out_link_open(
    meet: Meet,
    product: Product,
    files: Path,
    language: str,
    size: dict[str, int],
    scheme: str,
) -> None:
    """Submit, watch it live, get the text, open its link in a browser without any cookie.

    The job's page is there while no worker does anything. Demand: 000-29, 001-12, 004-20, 004-33
    """
    word = language[:2]
    name = f"{word}-{size['width']}-{scheme}"
    person, number = meet(language, size, color_scheme=scheme), as_typed(new_number())
    page = person.page()
    shoot(page, f"home-{name}")
    fill_search(page, files, number)
    with product.at_rest():
        send(page)
        expect(page.locator("#verify")).to_contain_text(number[-4:])
        assert LOCK[word] not in page.content()  # only once the number is proven
        shoot(page, f"verify-{name}")
        type_code(person, page, number)
        expect(page.locator("#promise")).to_contain_text(LOCK[word])
        expect(page.locator("#promise")).to_contain_text(f"••••\N{NO-BREAK SPACE}{number[-4:]}")
        expect(page.locator("#position dd")).to_have_text(NEXT[word])
        expect(page.locator("#elapsed")).to_have_text(TICKING)
        shoot(page, f"waiting-{name}")
        page.evaluate("window.sameDocument = true")
    expect(page.locator(".product")).to_have_count(19)
    assert page.evaluate("window.sameDocument")  # it became the result without a reload
    shoot(page, f"result-{name}")
    url = page.url

    link = find_link(person, number, f"phone-{name}")
    expect(page.locator("#text")).to_contain_text(TEXTED[word])  # by itself
    stranger = meet(language, size, color_scheme=scheme)
    opened = stranger.page(link)
    expect(opened.locator(".product")).to_have_count(19)
    expect(opened.locator(".product .category").first).to_contain_text(
        {"en": "Cups and drinks", "ko": "컵·음료"}[word]
    )
    expect(opened.locator(".source")).to_contain_text({"en": "Sample", "ko": "샘플"}[word])
    assert load_pictures(opened) == 0
    shoot(opened, f"link-{name}")
    assert fetch_status(stranger, url) == 404
    lost = stranger.page(url)
    shoot(lost, f"nothing-{name}")


def test_page_is_closed_and_the_text_comes(meet: Meet, product: Product, files: Path) -> None:
    """The whole browser is gone before any work is done; a text comes, and its link opens.

    Demand: 000-3, 000-6, 000-31
    """
    person, number = meet(), as_typed(new_number())
    page = person.page()
    fill_search(page, files, number)
    with product.at_rest():
        send(page)
        type_code(person, page, number)
        expect(page.locator("#promise")).to_contain_text(LOCK["en"])
        person.context.close()
    other = meet(size=DESK)
    opened = other.page(find_link(other, number, "phone-closed-en-1280-light"))
    expect(opened.locator(".product")).to_have_count(19)


def test_promise_is_made_only_when_a_text_will_be_sent(
    meet: Meet, product: Product, files: Path
) -> None:
    """Without a number nobody is told to lock the phone. Demand: 000-29, 001-12"""
    page = meet().page()
    choose_photo(page, files)
    with product.at_rest():
        send(page)
        expect(page.locator("#bar")).to_be_visible()
        expect(page.locator(".promise")).to_contain_text("come back to it later")
        assert LOCK["en"] not in page.content()
    expect(page.locator(".product").first).to_be_visible()


def test_known_number_is_masked_and_asked_by_a_tick(
    meet: Meet, product: Product, files: Path
) -> None:
    """The second search offers the number again, and takes no for an answer."""
    person, number = meet(), as_typed(new_number())
    page = person.page()
    choose_photo(page, files)
    page.select_option("#country", "KR")
    page.fill("#phone", number)
    send(page)
    type_code(person, page, number)
    expect(page.locator(".product").first).to_be_visible()
    page = person.page()
    assert re.sub(r"\D", "", number)[-8:] not in re.sub(r"\D", "", page.content())
    expect(page.locator(".tick")).to_contain_text(number[-4:])
    page.locator(".tick").click()
    choose_photo(page, files)
    with product.at_rest():
        send(page)
        assert LOCK["en"] not in page.content()
    expect(page.locator(".product").first).to_be_visible()


def test_progress_is_seen_step_by_step(
    meet: Meet,
    product: Product,
    files: Path,
    database: Database,
    settings: Settings,
    owner_connection: psycopg.Connection,
) -> None:
    """A slow job shows each step on two devices at once, and becomes its result by itself.

    Demand: 000-36, 003-18, 004-20, 004-24
    """
    person = meet()
    page = person.page()
    choose_photo(page, files)
    send(page)
    expect(page.locator(".product").first).to_be_visible()
    owner = owner_of(owner_connection, job_id(page))
    slow = make_job(database, settings, owner, params={"steps": 6, "step_seconds": 2.5})
    page = person.page(f"/jobs/{slow}")
    desk = meet(size=DESK, storage_state=person.context.storage_state())
    second = desk.page(f"/jobs/{slow}")
    for tab in (page, second):
        expect(tab.locator("#steps dd")).to_have_text(re.compile("[1-5] of 6"))
        expect(tab.locator("#elapsed")).to_have_text(TICKING)
    assert page.locator("#bar").get_attribute("value") is not None
    with product.at_rest():
        shoot(page, "running-en-390-light")
        shoot(second, "running-en-1280-light")
    expect(page.locator("#steps dd")).to_have_text(re.compile("[45] of 6"))
    for tab in (page, second):
        expect(tab.locator("#job")).to_have_attribute("data-status", "succeeded")
        expect(tab.locator("main")).to_contain_text("counted")


def test_closed_tab_comes_back_to_the_truth(
    meet: Meet,
    product: Product,
    files: Path,
) -> None:
    """Elapsed time counts from the submit, and the result appears. Demand: 004-23"""
    person = meet()
    page = person.page()
    choose_photo(page, files)
    with product.at_rest():
        send(page)
        url = page.url
        page.close()
        page = person.page(url)
        expect(page.locator("#elapsed")).to_have_text(TICKING)
        listed = person.page("/jobs")
        expect(listed.locator(".badge").first).to_have_text("Waiting")
    expect(page.locator(".product").first).to_be_visible()
    listed.reload()
    expect(listed.locator(".badge").first).to_have_text("Ready")
    shoot(listed, "searches-en-390-light")


def test_first_page_shows_the_search_that_runs(meet: Meet, product: Product, files: Path) -> None:
    """With its time since the submit, and until it has ended. Demand: 004-21"""
    person = meet()
    page = person.page()
    expect(page.locator("#ask")).to_be_visible()
    assert page.locator("#running").count() == 0
    choose_photo(page, files)
    with product.at_rest():
        send(page)
        url = page.url
        page.close()
        home = person.page()
        expect(home.locator("#running .badge")).to_have_text("Waiting")
        expect(home.locator("#running [data-since]")).to_have_text(TICKING)
        shoot(home, "home-running-en-390-light")
        other = person.page()
    expect(home.locator("#running .badge")).to_have_text("Ready")
    assert home.locator("#running [data-since]").count() == 0
    other.locator("#running a").click()
    other.wait_for_url(url)
    expect(other.locator(".product").first).to_be_visible()
    home.reload()
    expect(home.locator("#ask")).to_be_visible()
    assert home.locator("#running").count() == 0


def test_page_is_right_without_streams_and_after_a_lost_network(
    meet: Meet, product: Product, files: Path
) -> None:
    """Where event streams do not pass, asking takes over; back online it is right at once."""
    person = meet()
    person.context.route("**/events", lambda route: route.abort())
    page = person.page()
    choose_photo(page, files)
    with product.at_rest():
        send(page)
        expect(page.locator("#position dd")).to_have_text(NEXT["en"])
    expect(page.locator(".product").first).to_be_visible()

    person = meet()
    page = person.page()
    choose_photo(page, files)
    with product.at_rest():
        send(page)
        person.context.set_offline(True)
    page.wait_for_timeout(2500)
    expect(page.locator(".product")).to_have_count(0)
    person.context.set_offline(False)
    expect(page.locator(".product").first).to_be_visible()


def test_second_search_while_the_first_waits(meet: Meet, product: Product, files: Path) -> None:
    """Both run, and each has its own page. Demand: 004-25"""
    person = meet()
    first, second = person.page(), person.page()
    with product.at_rest():
        choose_photo(first, files)
        send(first)
        choose_photo(second, files)
        second.locator("label.chip", has=second.locator("[value=dress]")).click()
        send(second)
        expect(second.locator("#position dd")).to_have_text("2nd in line")
    for page in (first, second):
        expect(page.locator(".product").first).to_be_visible()
    assert first.url != second.url
