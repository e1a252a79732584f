"""Job postings in a browser: asked for, watched, sifted, read, passed on and printed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from browser_steps import LOOKS, SHOTS, Meet, Product, job_id, send, shoot
from factories import claim_job
from playwright.sync_api import Page, expect
from posting_answers import end_with, make_answer, make_outcome, make_posting

from models import Database
from tasks.posting_result import Pay, Result
from tasks.providers.job_board.sample_load import load_sample_postings
from tasks.wake import wake_on_commit

pytestmark = pytest.mark.browser
FORM = "/search/posting_search"
WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Python developer",
        "place": "Seoul",
        "known": "What is already here, while we look for more",
        "waiting": "Next in line",
        "insight": "What earlier searches found is shown at once",
        "some": "2 of 6 shown",
        "all": "Show all",
        "new": "1 new",
    },
    "ko": {
        "title": "파이썬 개발자",
        "place": "서울",
        "known": "이미 찾아 둔 공고예요. 더 찾고 있어요.",
        "waiting": "다음 차례",
        "insight": "예전에 찾아 둔 공고를 먼저 보여 드리고",
        "some": "6건 중 2건 표시",
        "all": "모두 보기",
        "new": "새 공고 1건",
    },
}
ABOUT = """We run the systems that a million people use on their way to work.

You will write Python, read the code of others and be on call one week in six.

- five years with Python
- Postgres in production"""


def answer() -> Result:
    """Return what several sites found, as different as postings are."""
    today = datetime.now(UTC).date()
    return make_answer(
        make_posting(
            "Senior Python developer",
            sites=["indeed", "linkedin"],
            company="Hanbit Systems",
            location="Seoul, South Korea",
            is_remote=True,
            job_type="full_time",
            salary=_pay(60e6, 80e6, "KRW", "year"),
            posted_on=today,
            description=ABOUT,
        ),
        make_posting(
            "백엔드 개발자 (Python/Django)",
            company="한빛소프트",
            location="서울 성동구",
            salary=_pay(45e6, None, "KRW", "year"),
            posted_on=today - timedelta(days=2),
            description="성수동에서 함께 일할 백엔드 개발자를 찾습니다.\n\n- 주 2회 재택",
        ),
        make_posting(
            "Data engineer",
            "linkedin",
            location="London",
            is_remote=True,
            job_type="contract",
            salary=_pay(550, 650, "GBP", "day"),
            posted_on=today - timedelta(days=50),
            description=ABOUT,
        ),
        make_posting(
            "Head of payments infrastructure and reconciliation, Europe, Middle East and Africa",
            company="A company with a rather long name, Limited",
            location="London, England, United Kingdom",
            job_type="full_time",
            salary=_pay(None, 140e3, "EUR", "year"),
            first_seen_at=datetime.now(UTC) - timedelta(hours=3),
        ),
        make_posting("Python instructor", url=None, posted_on=today - timedelta(days=9)),
        make_posting("Intern", "linkedin", company="Corner", job_type="internship"),
        sites=[
            make_outcome("Indeed", "ok", 4),
            make_outcome(
                "LinkedIn",
                "throttled",
                3,
                "This site asks us to slow down. Later searches ask it again.",
            ),
            make_outcome("Glassdoor", "failed", 0, "This site took too long."),
        ],
    )


def _pay(low: float | None, high: float | None, currency: str, interval: str) -> Pay:
    return Pay(
        min=low, max=high, currency=currency, interval=interval, yearly_min=None, yearly_max=None
    )  # type: ignore[arg-type]


def shown(page: Page) -> int:
    """Return how many cards are to be seen."""
    return page.locator(".posting:visible").count()


@LOOKS
def test_postings_are_asked_for_watched_sifted_and_read(
    meet: Meet,
    product: Product,
    database: Database,
    owner_connection: psycopg.Connection,
    language: str,
    size: dict[str, int],
    scheme: str,
) -> None:
    """The test is the worker here, so that each state stays as long as it is looked at.

    Demand: 004-20, 004-22, 004-33
    """
    words = WORDS[language[:2]]
    name = f"{language[:2]}-{size['width']}-{scheme}"
    person = meet(language, size, color_scheme=scheme)
    page = person.page()
    page.locator(f".kinds a[href='{FORM}']").click()
    expect(page.locator(".kinds a[aria-current]")).to_have_attribute("href", FORM)
    shoot(page, f"posting-form-{name}")
    page.locator(".more-choices summary").click()
    page.locator("label.chip", has=page.locator("[value='72']")).click()
    page.select_option("#distance_km", "25")
    page.locator("button.go").click()
    expect(page.locator("#job_title-problem")).to_be_visible()
    expect(page.locator("#job_title")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[value='72']")).to_be_checked()
    shoot(page, f"posting-wrong-{name}")
    page.fill("#job_title", words["title"])
    page.fill("#location", words["place"])

    with product.at_rest():
        send(page)
        url, job = page.url, job_id(page)
        expect(page.locator("#position dd")).to_have_text(words["waiting"])
        expect(page.locator(".eyebrow")).to_contain_text(f"{words['title']} · {words['place']}")
        expect(page.locator("#insights li.shown")).to_contain_text(words["insight"])
        page.evaluate("window.sameDocument = true")
        shoot(page, f"posting-waiting-{name}")

        whole = answer()
        claim = claim_job(database, job, lease_seconds=60)
        for known, count in ((True, 2), (False, 3)):
            part = whole.model_copy(update={"known": known, "postings": whole.postings[:count]})
            with database.worker() as session:
                claim.save_partial(session, part.model_dump(mode="json"), result_count=count)
                wake_on_commit(session, job)
            expect(page.locator("#so-far .posting")).to_have_count(count)
            if known:
                expect(page.locator(".partial-label")).to_have_text(words["known"])
                page.locator(".about summary").first.click()
                shoot(page, f"posting-known-{name}")
        # Whoever reads one is not disturbed by more of them.
        expect(page.locator(".about").first).to_have_attribute("open", "")
        expect(page.locator(".about summary").first).to_be_focused()
        with database.worker() as session:
            claim.succeed(session, whole.model_dump(mode="json"), result_count=6)
            wake_on_commit(session, job)
    expect(page.locator("#postings > .posting")).to_have_count(6)
    assert page.evaluate("window.sameDocument")
    expect(page.locator(".badge.new")).to_have_count(0)
    shoot(page, f"posting-result-{name}")

    page.locator("label.chip", has=page.locator("[name=remote]")).click()
    expect(page.locator("#sifted")).to_have_text(words["some"])
    assert shown(page) == 2
    page.select_option("#sift-site", "indeed")
    assert shown(page) == 1
    assert page.url == f"{url}?site=indeed&remote=yes"
    page.reload()
    assert shown(page) == 1
    page.fill("#sift-words", "nobody")
    expect(page.locator("#none-left")).to_be_visible()
    shoot(page, f"posting-none-{name}")
    page.locator("#none-left").get_by_role("link", name=words["all"]).click()
    assert shown(page) == 6
    assert page.url == url
    page.fill("#sift-words", "PYTHON code")
    assert shown(page) == 2

    owner_connection.execute("set session_replication_role = replica")  # it has ended already
    owner_connection.execute(
        "update jobs set new_keys = %s, new_count = 1 where id = %s",
        ([str(whole.postings[2].id)], job),
    )
    page.goto(url)
    expect(page.locator(".posting").first).to_contain_text("Data engineer")
    expect(page.locator("h1 .badge.new")).to_have_text(words["new"])
    shoot(page, f"posting-new-{name}")
    page.locator("#share button.second").click()
    link = page.locator("#share-link").input_value()
    stranger = meet(language, size, color_scheme=scheme).page(link)
    expect(stranger.locator(".posting")).to_have_count(6)
    stranger.locator("label.chip", has=stranger.locator("[name=new]")).click()
    assert shown(stranger) == 1
    shoot(stranger, f"posting-link-{name}")
    page.emulate_media(media="print", color_scheme="light")
    expect(page.locator("#sift")).to_be_hidden()
    assert shown(page) == 6
    assert not page.locator(".under").inner_text().rstrip().endswith("·")
    page.screenshot(path=SHOTS / f"posting-print-{name}.png", full_page=True)


def test_what_was_typed_survives_a_reload_until_it_is_sent_or_cleared(
    meet: Meet, product: Product
) -> None:
    """Each form keeps its own, and what an earlier search asked goes before it."""
    page = meet().page(FORM)
    page.fill("#job_title", "Baker")
    page.locator(".more-choices summary").click()
    page.select_option("#results_wanted", "10")
    page.reload()
    expect(page.locator(".more-choices")).to_have_attribute("open", "")
    expect(page.locator("#results_wanted")).to_have_value("10")
    page.locator("label.tick", has=page.locator("[name=is_remote]")).click()
    page.locator("label.chip", has=page.locator("[value=contract]")).click()
    page.select_option("#distance_km", "50")
    page.reload()
    expect(page.locator("#job_title")).to_have_value("Baker")
    expect(page.locator(".more-choices")).to_have_attribute("open", "")
    expect(page.locator("[name=is_remote]")).to_be_checked()
    expect(page.locator("[value=contract]")).to_be_checked()
    expect(page.locator("#distance_km")).to_have_value("50")
    page.goto(product.address)
    expect(page.locator("#phone")).to_have_value("")
    page.goto(product.address + FORM)
    expect(page.locator("#job_title")).to_have_value("Baker")
    page.locator("#clear").click()
    expect(page.locator("#job_title")).to_have_value("")
    expect(page.locator("[value=contract]")).not_to_be_checked()
    page.fill("#job_title", "Night baker")
    with product.at_rest():
        page.locator("button.go").dblclick()
        page.wait_for_url("**/jobs/*")
        job = page.url
        page.goto(f"{product.address}{FORM}")
        expect(page.locator("#job_title")).to_have_value("")
        page.fill("#job_title", "Cook")
        page.goto(f"{product.address}{FORM}?like={job.rsplit('/', 1)[1]}")
        expect(page.locator("#job_title")).to_have_value("Night baker")
        page.goto(f"{product.address}/jobs")
        expect(page.locator("#history li")).to_have_count(1)  # two taps, one search


def test_only_who_gives_a_feed_may_look_there_alone(meet: Meet) -> None:
    page = meet().page(FORM)
    page.locator(".more-choices summary").click()
    chip = page.locator("label.chip", has=page.locator("[name=only_own_feeds]"))
    expect(chip).to_be_hidden()
    page.fill("#feeds", "https://example.org/jobs.xml")
    chip.click()
    page.fill("#feeds", "")
    expect(chip).to_be_visible()  # what is ticked can be unticked
    page.fill("#job_title", "Baker")
    page.locator("button.go").click()
    expect(page.locator("#feeds-problem")).to_contain_text("My feeds only")
    expect(page.locator("[name=only_own_feeds]")).to_be_checked()
    chip.click()
    expect(chip).to_be_hidden()


def test_one_posting_that_is_sifted_away_has_a_way_back(
    meet: Meet, product: Product, database: Database
) -> None:
    """There is nothing to sift with then; the link asks the server."""
    page = meet().page(FORM)
    page.fill("#job_title", "Baker")
    with product.at_rest():
        send(page)
        url = page.url
        end_with(database, job_id(page), make_answer(make_posting("Baker")))
    page.goto(f"{url}?q=dentist")
    expect(page.locator(".posting")).to_be_hidden()
    page.locator("#none-left a").click()
    expect(page.locator(".posting")).to_be_visible()


@LOOKS
def test_a_place_that_may_be_meant_is_one_tap_away(
    meet: Meet, database: Database, language: str, size: dict[str, int], scheme: str
) -> None:
    """Told where nothing was found; by a real worker, in the sample data."""
    load_sample_postings(database)
    language = language[:2]
    title, slip, meant = {
        "en": ("interior designer", "Lodnon", "London"),
        "ko": ("간호사", "부싼", "부산"),
    }[language]
    page = meet(language, size, color_scheme=scheme).page(FORM)
    page.fill("#job_title", title)
    page.fill("#location", slip)
    send(page)
    there = page.locator(f"button[name=location][value={meant}]")
    expect(there).to_be_visible()
    shoot(page, f"posting-meant-{language}-{size['width']}-{scheme}")
    there.click()
    expect(page.locator(".posting").first).to_contain_text(meant)


def test_postings_without_javascript(
    meet: Meet, product: Product, database: Database, owner_connection: psycopg.Connection
) -> None:
    """Asked for, found by a real worker in the sample data, sifted and read: no script needed."""
    load_sample_postings(database)
    person = meet("en-GB", java_script_enabled=False)
    page = person.page()
    page.locator(f".kinds a[href='{FORM}']").click()
    page.fill("#job_title", "nurse")
    with product.at_rest():
        send(page)
        expect(page.locator("h1")).to_have_text("Waiting for its turn")
    expect(page.locator("#postings")).to_be_visible()
    expect(page.locator(".source")).to_contain_text("no real jobs")
    every = shown(page)
    assert every > 2
    first = page.locator(".posting h2").first.inner_text()
    page.fill("#sift-words", first)
    page.locator("#sift button").click()
    expect(page.locator(".posting h2:visible").first).to_have_text(first)
    assert 0 < shown(page) < every
    expect(page.locator("#sifted")).to_have_text(f"{shown(page)} of {every} shown")
    page.locator(".about summary:visible").first.click()
    expect(page.locator(".about p:visible").first).not_to_be_empty()
    shoot(page, "posting-no-script-en-390-light", has_scripts=False)
    page.fill("#sift-words", "zzz")
    page.locator("#sift button").click()
    page.locator("#none-left a").click()
    assert shown(page) == every


@LOOKS
def test_a_kind_of_another_package_has_a_form_too(
    meet: Meet, product: Product, language: str, size: dict[str, int], scheme: str
) -> None:
    """Behind a word of the chooser where there are many; sent, watched, and its answer is shown."""
    page = meet(language, size, color_scheme=scheme).page()
    page.locator(".kinds summary").click()
    page.locator(".kinds a[href='/search/collects']").click()
    expect(page.locator(".kinds a[aria-current]")).to_have_attribute("href", "/search/collects")
    page.fill("[name='params.steps']", "many")
    page.locator("button.go").click()
    expect(page.locator("#steps-problem")).to_be_visible()
    shoot(page, f"generated-{language[:2]}-{size['width']}-{scheme}")
    page.fill("[name='params.steps']", "4")
    send(page)
    expect(page.locator(".plain-result")).to_contain_text(re.compile(r"0,\s*1,\s*2,\s*3"))
