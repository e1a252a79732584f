"""People with browsers, and the steps they take on the pages."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from barriers import barriers
from playwright.sync_api import BrowserContext, Locator, Page, expect

from models.phone import mask

ROOT = Path(__file__).resolve().parent.parent
SHOTS = ROOT / "artifacts" / "pages"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}
LOOKS = pytest.mark.parametrize(
    ("language", "size", "scheme"),
    [
        ("en-GB", PHONE, "light"),
        ("ko-KR", PHONE, "dark"),
        ("en-GB", DESK, "dark"),
        ("ko-KR", DESK, "light"),
    ],
    ids=["en-390", "ko-390-dark", "en-1280-dark", "ko-1280"],
)

CODE = re.compile(r"^\[?(\d{6})\b.*Textback")  # how each text with one begins

# What fades in is as pale as it was meant to be only once it is there.
STILL = """Promise.all(document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
    .map((one) => one.finished.catch(() => null))).then(() => null)"""


@contextmanager
def standing_still(group: int) -> Iterator[None]:
    """Stop a process and its children where they are."""
    os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGCONT)


@dataclass
class Product:
    """A web process and a worker on the test servers."""

    address: str
    worker_group: int

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Let no job begin meanwhile."""
        with standing_still(self.worker_group):
            yield


@dataclass
class Person:
    """Somebody with a browser, and all that went wrong in it."""

    context: BrowserContext
    address: str
    complaints: list[str] = field(default_factory=list)

    def page(self, path: str = "/") -> Page:
        """Open a page in a tab of its own."""
        page = self.context.new_page()
        page.on("console", lambda message: self._hear(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(path if path.startswith("http") else self.address + path)
        return page

    def tell(self) -> str:
        """Say what stands on each of the pages, for whoever asks why a walk failed."""
        return "\n\n".join(
            f"{page.url}\n{page.inner_text('body', timeout=2_000)}" for page in self.context.pages
        )

    def _hear(self, kind: str, text: str) -> None:
        # Chromium and htmx complain about a page that is meant to be 404, or a network that is
        # meant to be away; our own pages load no file that is missing (asserted by their looks).
        expected = ("Failed to load resource", "htmx: htmx:error: Failed to fetch")
        if kind == "error" and not text.startswith(expected):
            self.complaints.append(text)


Meet = Callable[..., Person]


def choose_photo(page: Page, files: Path) -> None:
    """Choose the photo of a cup of coffee, and see it."""
    page.set_input_files("#image", files / "coffee.jpg")
    if page.locator(".preview").is_hidden():
        expect(page.locator(".preview")).to_be_visible()


def fill_search(page: Page, files: Path, number: str) -> None:
    """Fill in the form: the photo, the category of cups, and a Korean number."""
    choose_photo(page, files)
    page.locator(".more summary").click()
    page.locator("label.chip", has=page.locator("[value=drink]")).click()
    page.select_option("#country", "KR")
    page.fill("#phone", number)


def send(page: Page) -> None:
    """Send the form and arrive at the job's page."""
    page.locator("button.go").click()
    page.wait_for_url("**/jobs/*")


def find_link(person: Person, number: str, name: str) -> str:
    """Find the text to a number on the phone of this machine and return its link."""
    phone = person.page("/dev/phone")
    bubble = texts_to(phone, number).locator(".bubble", has=phone.locator("a")).last
    expect(bubble).to_contain_text("19")
    shoot(phone, name)
    link = bubble.locator("a").get_attribute("href")
    assert link is not None
    return link


def read_code(person: Person, number: str, *, known: int = 0) -> str:
    """Find the newest code for a number on the phone of this machine, past the first `known`."""
    phone = person.page("/dev/phone")
    codes = _codes_to(phone, number)
    expect(codes.nth(known)).to_be_visible()
    found = CODE.search(codes.last.inner_text())
    phone.close()
    assert found is not None
    return found[1]


def count_codes(person: Person, number: str) -> int:
    """Return how many codes a number has been sent."""
    phone = person.page("/dev/phone")
    count = _codes_to(phone, number).count()
    phone.close()
    return count


def _codes_to(phone: Page, number: str) -> Locator:
    return texts_to(phone, number).locator(".bubble", has_text=CODE)


def texts_to(phone: Page, number: str) -> Locator:
    """Find the texts to a number: its last digits may also stand in somebody's code."""
    return phone.locator(".bubbles li", has_text=mask(number[-4:]))


def type_code(person: Person, page: Page, number: str) -> None:
    """Read the code on the phone and type it into the page that asks for it."""
    page.fill("#code", read_code(person, number))
    page.locator("#verify form.code button").click()
    expect(page.locator("#verify")).to_have_count(0)


def sign_in(person: Person, number: str) -> Page:
    """Sign in as a person does, with the code of the text."""
    known = count_codes(person, number)  # a second browser's: the first one's is there already
    page = person.page("/sign-in")
    page.select_option("#country", "KR")
    page.fill("#phone", number)
    page.locator("button.go").click()
    page.wait_for_url("**/sign-in/*")
    page.fill("#code", read_code(person, number, known=known))
    page.locator("#verify form.code button").click()
    page.wait_for_url("**/jobs")
    return page


def fetch_status(person: Person, url: str) -> int:
    """Return what this browser is answered at an address."""
    return person.context.request.get(url).status


def shoot(page: Page, name: str, *, has_scripts: bool = True) -> None:
    """Keep what a page looks like, for people to look at; nobody is kept from using it."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    load_pictures(page)
    assert fits(page)
    found = _barriers_at_rest(page) if has_scripts else []  # axe-core is a script
    assert not found, "\n".join(found)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True, animations="disabled")


def _barriers_at_rest(page: Page) -> list[str]:
    """Look again if all that is found is pale: a sentence may have begun to fade in meanwhile."""
    page.evaluate(STILL)
    found = barriers(page)
    if found and all(line.startswith("color-contrast ") for line in found):
        page.evaluate(STILL)
        found = barriers(page)
    return found


def fits(page: Page) -> bool:
    """Whether nothing sticks out at the side."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def load_pictures(page: Page) -> int:
    """Load also the pictures further down; return how many cannot be shown."""
    pictures = page.locator("img:visible")
    pictures.evaluate_all("all => all.forEach(one => one.loading = 'eager')")
    loaded = pictures.evaluate_all(
        "all => Promise.all(all.map(one => one.decode().then(() => true, () => false)))"
    )
    return list(loaded).count(False)


def job_id(page: Page) -> UUID:
    """Return the id of the job whose page this is."""
    return UUID(page.url.rsplit("/", 1)[1].split("?")[0])


def owner_of(connection: psycopg.Connection, job: UUID) -> UUID:
    """Return whose job it is, from behind the policies."""
    row = connection.execute("select owner_id from jobs where id = %s", (job,)).fetchone()
    assert row is not None
    return UUID(str(row[0]))
