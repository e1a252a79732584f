"""A phone from end to end: proven, texted, opened elsewhere, stopped there; and signed in twice."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from browser_steps import (
    DESK,
    PHONE,
    Meet,
    Product,
    choose_photo,
    fill_search,
    find_link,
    job_id,
    owner_of,
    read_code,
    send,
    shoot,
    sign_in,
    type_code,
)
from factories import make_job, new_number
from playwright.sync_api import expect

from models import Database, Settings

pytestmark = pytest.mark.browser
LOCK = {
    "en": "You can close the app or lock your phone.",
    "ko": "앱을 닫거나 휴대폰을 잠가도 괜찮아요!",
}
STOPPED = {"en": "You stopped our texts", "ko": "문자를 그만 받기로 하셔서"}


@pytest.mark.parametrize(
    ("language", "size", "scheme"),
    [("ko-KR", PHONE, "light"), ("en-GB", DESK, "dark")],
    ids=["ko-390", "en-1280-dark"],
)
def test_number_code_search_text_link_stop(
    meet: Meet, product: Product, files: Path, language: str, size: dict[str, int], scheme: str
) -> None:
    """The promise only after the code; who opens the link elsewhere stops the texts there.

    Demand: 000-29, 000-30, 000-34, 001-12
    """
    word, number = language[:2], new_number()
    name = f"{word}-{size['width']}-{scheme}"
    person = meet(language, size, color_scheme=scheme)
    page = person.page()
    fill_search(page, files, number)
    with product.at_rest():
        send(page)
        page.fill("#code", "000000" if read_code(person, number) != "000000" else "111111")
        page.locator("#verify form.code button").click()
        expect(page.locator("#code-problem")).to_be_visible()
        shoot(page, f"verify-wrong-{name}")
        assert LOCK[word] not in page.content()
        type_code(person, page, number)
        expect(page.locator("#promise")).to_contain_text(LOCK[word])
        preview = page.locator(".text-preview .bubble")
        expect(preview).to_contain_text({"en": "… results", "ko": "컵 결과 …건"}[word])
        expect(preview).to_contain_text("/r/…")
        shoot(page, f"preview-{name}")
    expect(page.locator(".product")).to_have_count(19)
    link = find_link(person, number, f"phone-walk-{name}")

    stranger = meet(language, size, color_scheme=scheme)
    opened = stranger.page(link)
    expect(opened.locator(".product")).to_have_count(19)
    opened.locator("#stop-texts").click()
    shoot(opened, f"stop-ask-{name}")
    opened.locator("form button.go").click()
    expect(opened.locator("h1")).to_have_text(
        {"en": "No more texts", "ko": "이제 문자를 보내지 않아요"}[word]
    )
    shoot(opened, f"stop-done-{name}")

    page = person.page()
    expect(page.locator("#stopped")).to_contain_text(STOPPED[word])
    shoot(page, f"home-stopped-{name}")
    choose_photo(page, files)
    with product.at_rest():
        send(page)
        expect(page.locator("#stopped")).to_contain_text(STOPPED[word])
        assert LOCK[word] not in page.content()
        shoot(page, f"job-stopped-{name}")
        page.locator("#stopped button").click()
        expect(page.locator("#stopped")).to_have_count(0)


def test_the_same_phone_in_a_second_browser_sees_what_runs(
    meet: Meet,
    product: Product,
    files: Path,
    database: Database,
    settings: Settings,
    owner_connection: psycopg.Connection,
) -> None:
    """Signed in on the desk, the search of the phone is there, as far as it is; both end alike.

    Demand: 000-36, 004-24
    """
    number = new_number()
    phone, desk = meet("ko-KR"), meet("en-GB", DESK)
    page = sign_in(phone, number)
    shoot(desk.page("/sign-in"), "sign-in-en-1280-light")
    page = phone.page()
    choose_photo(page, files)
    send(page)
    expect(page.locator(".product").first).to_be_visible()
    owner = owner_of(owner_connection, job_id(page))
    slow = make_job(database, settings, owner, params={"steps": 8, "step_seconds": 2.5})
    page.goto(f"{phone.address}/jobs/{slow}")
    expect(page.locator("#steps dd")).to_contain_text("2")
    with product.at_rest():  # signing in may take longer than the steps that are to be seen
        there = sign_in(desk, number)
        there.goto(f"{desk.address}/jobs/{slow}")
    expect(page.locator("#steps dd")).to_contain_text("6")
    with product.at_rest():
        expect(there.locator("#steps dd")).to_contain_text("6")
    for one in (page, there):
        expect(one.locator("h1")).to_contain_text("8", timeout=30_000)
    row = owner_connection.execute(
        "select status, attempt from jobs where id = %s", (slow,)
    ).fetchone()
    assert row == ("succeeded", 1)
