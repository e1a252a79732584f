"""The account page and the operator's page as people see them, in languages, sizes and colours."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from browser_steps import DESK, LOOKS, PHONE, Meet, Product, shoot, sign_in
from cast import make_person
from factories import claim_job, give_phone, make_job, make_search, new_number
from playwright.sync_api import expect
from sqlalchemy import update

from models import Database, Notification, NotificationStatus, Settings, User
from models.phone import PhoneKeys
from tasks.enqueueing import enqueue_due

WIDER = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.ariaLabel)"

pytestmark = pytest.mark.browser


@LOOKS
def test_an_account_is_looked_after_and_erased(
    meet: Meet, product: Product, language: str, size: dict[str, int], scheme: str
) -> None:
    """Sign in, see the zone the browser has, make a token, sign another browser out, take
    everything along, and go.
    """
    name = f"{language[:2]}-{size['width']}-{scheme}"
    person = meet(language, size, color_scheme=scheme)
    stranger = person.page("/account")
    shoot(stranger, f"account-none-{name}")
    number = new_number()
    # The browser tells its zone from the first page, and nobody waits for that.
    with person.context.expect_event(
        "response",
        lambda answer: answer.url.endswith("/account/time-zone") and answer.ok,
        timeout=60_000,
    ):
        sign_in(person, number)
    page = person.page("/account")
    expect(page.locator("#time_zone")).to_have_value("Asia/Seoul")
    other = meet("en-GB", DESK)
    sign_in(other, number)
    page.reload()
    expect(page.locator("#browsers li")).to_have_count(2)
    page.fill("#name", "A script on my own machine")
    page.locator("#tokens form[action='/account/tokens'] button").click()
    secret = page.locator("#new-token")
    expect(secret).to_have_value(re.compile("^tb_"))
    expect(page.locator("#copy")).to_be_visible()
    shoot(page, f"account-{name}")
    page.locator("form[action='/account/sessions/end-others'] button").click()
    expect(page.locator("#browsers li")).to_have_count(1)
    expect(page.locator("#new-token")).to_have_count(0)
    page.locator("#texts form button").click()
    expect(page.locator("#texts [name=texts]")).to_have_value("allow")
    with page.expect_download() as loading:
        page.locator("a[href='/account/export']").click()
    everything = json.loads(loading.value.path().read_text())
    assert everything["account"]["phone"] == number
    assert everything["account"]["texts_stopped"]["by"] == "account"
    page.locator("a[href='/account/erasure']").click()
    expect(page.locator("h1")).to_be_visible()
    shoot(page, f"erasure-{name}")
    page.locator("form[action='/account/erasure'] button").click()
    expect(page.locator("main a.go")).to_be_visible()
    shoot(page, f"erased-{name}")
    assert person.page("/account").locator("#tokens").count() == 0


@LOOKS
def test_an_operator_decides_about_a_text(
    meet: Meet,
    product: Product,
    database: Database,
    settings: Settings,
    language: str,
    size: dict[str, int],
    scheme: str,
) -> None:
    name = f"{language[:2]}-{size['width']}-{scheme}"
    person, number = meet(language, size, color_scheme=scheme), new_number()
    sign_in(person, number)
    with product.at_rest():
        texts = [
            ended_text(database, settings, status)
            for status in ("delivered", "failed", "needs_review")
        ]
        make_operator(database, settings, number)
        page = person.page("/operator/texts")
        waiting = page.locator(f"form[action='/operator/texts/{texts[-1]}/decision']")
        expect(waiting).to_be_visible()
        shoot(page, f"operator-{name}")
        waiting.locator("[value=sent]").click()
        expect(page.locator("[role=status]")).to_be_visible()
        expect(waiting).to_have_count(0)
        with database.operator() as session:
            assert session.get_one(Notification, texts[-1]).status == NotificationStatus.SENT


@LOOKS
def test_an_operator_sees_what_came_of_slots(
    meet: Meet,
    product: Product,
    database: Database,
    settings: Settings,
    language: str,
    size: dict[str, int],
    scheme: str,
) -> None:
    """On a phone, too, all of it is to be seen without moving anything aside."""
    name = f"{language[:2]}-{size['width']}-{scheme}"
    person, number = meet(language, size, color_scheme=scheme), new_number()
    sign_in(person, number)
    with product.at_rest():
        due = datetime.now(UTC) - timedelta(hours=2, minutes=15)
        owner = make_person(database).id
        make_search(database, settings, owner, cron="*/30 * * * *", due=due, time_zone="Asia/Seoul")
        enqueue_due(database, settings, seconds=10)
        make_operator(database, settings, number)
        page = person.page("/operator/slots")
        expect(page.locator("table")).to_have_count(2)
        shoot(page, f"operator-slots-{name}")
        if size == PHONE:
            tables = page.locator(".table")
            assert tables.evaluate_all(WIDER) == []
            links = page.locator(".top nav > a")
            assert len(set(links.evaluate_all("all => all.map(one => one.offsetTop)"))) == 1
            page = person.page("/operator/texts")
            assert page.locator(".table").evaluate_all(WIDER) == []


def make_operator(database: Database, settings: Settings, number: str) -> None:
    """Let the person with a number see the operator's pages."""
    with database.operator() as session:
        session.execute(
            update(User)
            .where(User.phone_hash == PhoneKeys(settings).fingerprint(number))
            .values(role="operator")
        )


def ended_text(database: Database, settings: Settings, status: str) -> UUID:
    """Make a text of somebody whose search has ended."""
    owner = make_person(database).id
    give_phone(database, settings, owner)
    job = make_job(database, settings, owner)
    claim = claim_job(database, job)
    with database.worker() as session:
        claim.succeed(session, {"counted": 1}, result_count=1)
    with database.operator() as session:
        text = Notification(
            job_id=job,
            owner_id=owner,
            purpose="job_ended",
            status=status,
            provider="twilio",
            segments=1,
            attempts=1,
            error_code="30007" if status == "failed" else None,
            sent_at=datetime.now(UTC) if status == "delivered" else None,
            delivered_at=datetime.now(UTC) if status == "delivered" else None,
        )
        session.add(text)
        session.flush()
        return text.id
