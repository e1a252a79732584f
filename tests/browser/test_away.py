"""The database or the network is away: said kindly, nothing is lost, all goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from api_client import start_web
from browser_steps import (
    DESK,
    PHONE,
    Meet,
    Product,
    choose_photo,
    job_id,
    owner_of,
    send,
    shoot,
    standing_still,
)
from faults.proxy import Effect, Proxy
from playwright.sync_api import Page, expect
from processes import Processes, wait_for

from models import Database
from tasks.providers.catalog.sample import load_sample_catalog

pytestmark = pytest.mark.browser


@dataclass
class FragileProduct(Product):
    """A web process whose way to Postgres can be cut."""

    proxy: Proxy
    web_group: int


@pytest.fixture(scope="module")
def product(
    environment: dict[str, str],
    database: Database,
    nothing_to_do: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[FragileProduct]:
    """The web process reaches Postgres through a proxy, the worker directly."""
    load_sample_catalog(database)
    proxy = Proxy.to(environment["DATABASE_URL"])
    processes = Processes(environment, tmp_path_factory.mktemp("logs"))
    try:
        web = start_web(processes, DATABASE_URL=proxy.through(environment["DATABASE_URL"]))
        worker = processes.start(
            "worker", "--queues", "interactive,notifications", "--concurrency", "2",
            BASE_URL=web.address,
        )  # fmt: skip
        wait_for(lambda: " ready." in processes.log(), 30, "the worker")
        yield FragileProduct(web.address, worker.pid, proxy, web.process.pid)
    finally:
        processes.end()
        proxy.close()


@pytest.fixture(autouse=True)
def healed(product: FragileProduct) -> Iterator[None]:
    """Leave the way open for the next test."""
    yield
    product.proxy.heal()


def fill(page: Page, files: Path, number: str) -> None:
    """Fill in all of the form."""
    choose_photo(page, files)
    page.locator("label.chip", has=page.locator("[value=bag]")).click()
    page.select_option("#country", "KR")
    page.fill("#phone", number)


@pytest.mark.parametrize(
    ("language", "size", "scheme", "said"),
    [
        ("en-GB", PHONE, "light", "We are away for a moment. All you filled in is still here"),
        ("ko-KR", DESK, "dark", "입력한 내용은 그대로 있고"),
    ],
    ids=["en", "ko"],
)
def test_form_waits_for_the_database_and_goes_by_itself(
    meet: Meet,
    product: FragileProduct,
    files: Path,
    owner_connection: psycopg.Connection,
    language: str,
    size: dict[str, int],
    scheme: str,
    said: str,
) -> None:
    """Nothing is lost, not even the photo, and one search is made of however many tries."""
    page = meet(language, size, color_scheme=scheme).page()
    fill(page, files, "010-1234-5678")
    product.proxy.cut()
    page.locator("button.go").click()
    expect(page.locator("#notice")).to_contain_text(said)
    expect(page.locator(".preview")).to_be_visible()
    expect(page.locator("[value=bag]")).to_be_checked()
    expect(page.locator("#phone")).to_have_value("010-1234-5678")
    shoot(page, f"away-form-{language[:2]}-{size['width']}-{scheme}")
    product.proxy.heal()
    page.wait_for_url("**/jobs/*")
    expect(page.locator(".product").first).to_be_visible()
    assert count_jobs(owner_connection, page) == 1


def test_lost_answer_makes_no_second_search(
    meet: Meet, product: FragileProduct, files: Path, owner_connection: psycopg.Connection
) -> None:
    """The search was written down and nobody heard of it: sent again, it is the same one."""
    page = meet().page()
    choose_photo(page, files)
    with product.at_rest():
        trap = product.proxy.trap(b"INSERT INTO jobs", b"COMMIT", effect=Effect.LOSE_REPLY)
        page.locator("button.go").click()
        expect(page.locator("#notice")).to_contain_text("We are away for a moment.")
        assert trap.replied.wait(5)
        page.wait_for_url("**/jobs/*")
        assert count_jobs(owner_connection, page) == 1
        assert page.locator(".already").count() == 0
    expect(page.locator(".product").first).to_be_visible()


def test_form_waits_for_the_network(meet: Meet, product: FragileProduct, files: Path) -> None:
    """On the subway: it goes out as soon as the phone is back."""
    person = meet()
    page = person.page()
    choose_photo(page, files)
    person.context.set_offline(True)
    page.locator("button.go").click()
    expect(page.locator("#notice")).to_contain_text("You are offline.")
    expect(page.locator("button.go")).to_have_text("Try again now")
    person.context.set_offline(False)
    page.wait_for_url("**/jobs/*")
    expect(page.locator(".product").first).to_be_visible()


def open_saved_form(page: Page, files: Path) -> None:
    """Search for a photo and open the form that keeps the search fresh, with times of one's own."""
    choose_photo(page, files)
    send(page)
    page.locator(".fresh a.go").click()
    page.wait_for_url("**/saved/new?job=*")
    page.locator(".choice", has=page.locator("[value=own]")).click()
    page.fill("#times-0", "07:30")
    page.fill("#times-1", "19:15")
    expect(page.locator(".times-words")).to_contain_text("07:30 and 19:15")


def test_saved_form_waits_for_the_database_and_goes_by_itself(
    meet: Meet, product: FragileProduct, files: Path, owner_connection: psycopg.Connection
) -> None:
    """Nothing typed is lost, one is saved of however many tries, and no old times are shown."""
    page = meet().page()
    open_saved_form(page, files)
    product.proxy.cut()
    page.fill("#times-1", "20:45")
    expect(page.locator(".times-words")).to_contain_text("cannot be shown just now")
    expect(page.locator(".next-times")).to_be_hidden()
    page.locator("#fresh button.go").click()
    expect(page.locator("#notice")).to_contain_text("We are away for a moment.")
    expect(page.locator("#fresh button.go")).to_have_text("Try again now")
    expect(page.locator("#times-1")).to_have_value("20:45")
    shoot(page, "away-saved-en-390-light")
    # What the page sends by itself meanwhile does not slip past the trap.
    with standing_still(product.web_group):
        product.proxy.heal()
        trap = product.proxy.trap(
            b"INSERT INTO saved_searches", b"COMMIT", effect=Effect.LOSE_REPLY
        )
    page.locator("#fresh button.go").click()
    assert trap.replied.wait(20)
    page.wait_for_url("**/saved/*?made")
    expect(page.locator(".times-words")).to_contain_text("07:30 and 20:45")
    saved = page.url.rsplit("/", 1)[1].partition("?")[0]
    row = owner_connection.execute(
        "select count(*) from saved_searches where owner_id ="
        " (select owner_id from saved_searches where id = %s)",
        (saved,),
    ).fetchone()
    assert row == (1,)


def test_saved_form_waits_for_the_network(meet: Meet, product: FragileProduct, files: Path) -> None:
    """Offline it says so and keeps what is typed, also over a reload; back, it goes on."""
    person = meet()
    page = person.page()
    open_saved_form(page, files)
    page.reload()
    for field, typed in (("#times-0", "07:30"), ("#times-1", "19:15"), ("#times-2", "")):
        expect(page.locator(field)).to_have_value(typed)
    expect(page.locator(".times-words")).to_contain_text("07:30 and 19:15")
    person.context.set_offline(True)
    page.fill("#times-1", "20:45")
    expect(page.locator(".times-words")).to_contain_text("cannot be shown just now")
    person.context.set_offline(False)
    expect(page.locator(".times-words")).to_contain_text("07:30 and 20:45")
    expect(page.locator(".next-times li")).to_have_count(5)
    person.context.set_offline(True)
    page.locator("#fresh button.go").click()
    expect(page.locator("#notice")).to_contain_text("You are offline.")
    person.context.set_offline(False)
    page.wait_for_url("**/saved/*?made")


@pytest.mark.parametrize(
    ("language", "size", "scheme", "said", "button"),
    [
        ("en-GB", PHONE, "dark", "We are away for a moment", "Try again"),
        ("ko-KR", PHONE, "light", "잠시 자리를 비웠어요", "다시 시도하기"),
        ("en-GB", DESK, "light", "We are away for a moment", "Try again"),
    ],
    ids=["en-390", "ko-390", "en-1280"],
)
def test_page_says_that_we_are_away_and_comes_by_itself(
    meet: Meet,
    product: FragileProduct,
    language: str,
    size: dict[str, int],
    scheme: str,
    said: str,
    button: str,
) -> None:
    """What to do, a button to do it, and no need to."""
    person = meet(language, size, color_scheme=scheme)
    product.proxy.cut()
    page = person.page()
    expect(page.locator("h1")).to_have_text(said)
    expect(page.get_by_role("link", name=button, exact=True)).to_be_visible()
    shoot(page, f"away-{language[:2]}-{size['width']}-{scheme}")
    product.proxy.heal()
    expect(page.locator("#ask")).to_be_visible()


def test_open_page_says_so_and_catches_up(meet: Meet, product: FragileProduct, files: Path) -> None:
    """The page of a search that waits stays, with a word about it, and gets its result."""
    page = meet().page()
    choose_photo(page, files)
    with product.at_rest():
        send(page)
        expect(page.locator("#position")).to_be_visible()
        product.proxy.cut()
        page.locator("#stop button").click()
        expect(page.locator("#away")).to_contain_text("It could not be cancelled just now.")
        expect(page.locator("#stop button")).to_have_text("Cancel this search")
        shoot(page, "away-job-en-390-light")
        product.proxy.heal()
    expect(page.locator(".product").first).to_be_visible()
    expect(page.locator("#away")).to_be_hidden()


def test_form_without_javascript_is_still_filled_in_after_going_back(
    meet: Meet, product: FragileProduct, files: Path
) -> None:
    """What the page promises: back in the browser, it can be sent again as it was."""
    page = meet(java_script_enabled=False).page()
    page.set_input_files("#image", files / "coffee.jpg")
    page.select_option("#country", "KR")
    page.fill("#phone", "010-1234-5678")
    product.proxy.cut()
    page.locator("button.go").click()
    expect(page.locator("h1")).to_have_text("We are away for a moment")
    shoot(page, "away-no-script-en-390-light", has_scripts=False)
    product.proxy.heal()
    page.go_back()
    expect(page.locator("#phone")).to_have_value("010-1234-5678")
    send(page)
    # While a code may be typed the page does not reload by itself.
    while True:
        expect(page.locator(".product, #look").first).to_be_visible()
        if page.locator(".product").count():
            break
        page.locator("#look").click()


def count_jobs(connection: psycopg.Connection, page: Page) -> int:
    """Return how many searches the person of this page has."""
    owner = owner_of(connection, job_id(page))
    row = connection.execute("select count(*) from jobs where owner_id = %s", (owner,)).fetchone()
    assert row is not None
    return int(row[0])
