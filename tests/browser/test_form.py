"""The form of the first page: nothing typed is lost, and a tap too many does no harm."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import psycopg
import pytest
from browser_steps import (
    DESK,
    Meet,
    Product,
    choose_photo,
    job_id,
    owner_of,
    send,
    shoot,
    texts_to,
    type_code,
)
from factories import as_typed, new_number
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def damaged_picture() -> bytes:
    """Return a PNG that looks well from outside and holds no pixels."""
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)),
        (b"IDAT", b"no pixels here"),
        (b"IEND", b""),
    )
    chunks = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_wrong_number_loses_nothing_not_even_the_photo(
    meet: Meet, product: Product, files: Path
) -> None:
    """The error stands at its field, and the second try needs no second photo."""
    page = meet("ko-KR").page()
    choose_photo(page, files)
    page.locator("label.chip", has=page.locator("[value=bag]")).click()
    page.select_option("#country", "KR")
    page.fill("#phone", "12")
    page.locator("button.go").click()
    expect(page.locator("#phone-problem")).to_contain_text("문자를 보낼 수 없는 번호예요")
    expect(page.locator("#phone")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#phone")).to_have_value("12")
    expect(page.locator("#country")).to_have_value("KR")
    expect(page.locator("[value=bag]")).to_be_checked()
    expect(page.locator(".preview")).to_be_visible()
    shoot(page, "wrong-ko-390-light")
    page.fill("#phone", "010-1234-5678")
    send(page)
    expect(page.locator(".product").first).to_be_visible()


def test_form_without_a_photo_says_so(meet: Meet, product: Product, tmp_path: Path) -> None:
    """No photo, a file that is none, and one that is too large are each told apart."""
    person = meet()
    page = person.page()
    page.locator("button.go").click()
    expect(page.locator("#image-problem")).to_have_text("Choose a photo first.")
    shoot(page, "wrong-en-390-light")
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear Textback")
    page.set_input_files("#image", letter)
    page.locator("button.go").click()
    expect(page.locator("#image-problem")).to_contain_text("not a picture we can read")
    large = tmp_path / "large.jpg"
    with large.open("wb") as file:
        file.truncate(21 * 2**20)
    page.set_input_files("#image", large)
    expect(page.locator("#image-trouble")).to_contain_text("larger than 20 MB")


def test_damaged_photo_ends_with_a_sentence(
    meet: Meet, product: Product, files: Path, tmp_path: Path
) -> None:
    """A job that fails while its page is closed says why when it is opened again, in the person's
    language, and a new search is one tap away. Demand: 004-26
    """
    picture = tmp_path / "damaged.png"
    picture.write_bytes(damaged_picture())
    person = meet("ko-KR")
    page = person.page()
    page.set_input_files("#image", picture)
    with product.at_rest():
        send(page)
        url = page.url
        page.close()
    listed = person.page("/jobs")
    while listed.locator(".badge.failed").count() == 0:
        listed.wait_for_timeout(200)
        listed.reload()
    page = person.page(url)
    expect(page.locator(".why")).to_have_text("사진이 손상되어 읽을 수 없어요.")
    expect(page.locator("main")).to_contain_text("다른 사진으로 다시 시도해 주세요.")
    shoot(page, "failed-ko-390-light")
    page.get_by_role("link", name="새로 검색하기").click()
    choose_photo(page, files)
    send(page)
    expect(page.locator(".product").first).to_be_visible()


def test_two_taps_make_one_job(
    meet: Meet, product: Product, files: Path, owner_connection: psycopg.Connection
) -> None:
    """A hurried thumb does not search twice."""
    page = meet().page()
    choose_photo(page, files)
    with product.at_rest():
        page.locator("button.go").dblclick()
        page.wait_for_url("**/jobs/*")
        owner = owner_of(owner_connection, job_id(page))
    row = owner_connection.execute(
        "select count(*) from jobs where owner_id = %s", (owner,)
    ).fetchone()
    assert row == (1,)


def test_photo_is_dropped_or_pasted(meet: Meet, product: Product, files: Path) -> None:
    """Beside the camera and the gallery, a photo may be dropped or pasted anywhere."""
    page = meet(size=DESK).page()
    for event, holder in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        page.reload()
        page.evaluate(
            """([event, holder, bytes]) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], "cup.jpg", {type: "image/jpeg"}));
                const type = event === "drop" ? DragEvent : ClipboardEvent;
                document.dispatchEvent(new type(event, {[holder]: data, cancelable: true}));
            }""",
            [event, holder, list((files / "coffee.jpg").read_bytes())],
        )
        expect(page.locator(".preview")).to_be_visible()
        expect(page.locator("#image")).to_have_js_property("value", "C:\\fakepath\\cup.jpg")
    shoot(page, "chosen-en-1280-light")
    send(page)
    expect(page.locator(".product").first).to_be_visible()


def test_language_is_changed_by_one_tap_and_remembered(meet: Meet, product: Product) -> None:
    """The browser chooses first; the person has the last word."""
    person = meet("ko-KR")
    page = person.page()
    expect(page.locator("h1")).to_have_text("사진으로 찾아요.")
    page.get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_have_text("Find it from a photo.")
    assert page.url == f"{product.address}/"
    expect(person.page("/jobs").locator("h1")).to_have_text("Your searches")


def test_whole_walk_without_javascript(meet: Meet, product: Product, files: Path) -> None:
    """Submit, status by reload, result: none of it needs a script."""
    person, number = meet("en-GB", java_script_enabled=False), as_typed(new_number())
    page = person.page()
    page.set_input_files("#image", files / "coffee.jpg")
    page.select_option("#country", "KR")
    page.fill("#phone", number)
    with product.at_rest():
        send(page)
        type_code(person, page, number)
        expect(page.locator("h1")).to_have_text("Waiting for its turn")
        expect(page.locator("#elapsed")).to_be_visible()
        assert page.locator("noscript meta[http-equiv=refresh], meta[http-equiv=refresh]").count()
    # The page reloads itself; whoever is quicker may too.
    expect(page.locator(".product").first).to_be_visible()
    expect(page.locator("h1")).to_have_text("24 matches")
    expect(page.locator("time").first).to_contain_text("UTC")
    phone = person.page("/dev/phone")
    texts_to(phone, number).locator(".bubble a").click()
    expect(phone.locator(".product").first).to_be_visible()
    shoot(phone, "no-script-en-390-light", has_scripts=False)
