"""The operator's page: for operators, and as unknown to others as what does not exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from cast import make_person
from factories import claim_job, give_phone, make_job

from models import Database, Notification, Settings, record_operator_event
from webapp.operator.words import REASONS, STATUSES

Visit = Callable[..., Any]


def make_text(
    database: Database, settings: Settings, status: str, **more: Any
) -> tuple[UUID, UUID, str]:
    """Make a text of somebody; return its id, its job's and the number."""
    owner = make_person(database).id
    number = give_phone(database, settings, owner)
    job = make_job(database, settings, owner)
    claim = claim_job(database, job)
    with database.worker() as session:
        claim.succeed(session, {"counted": 1}, result_count=1)
    with database.operator() as session:
        text = Notification(job_id=job, owner_id=owner, purpose="job_ended", status=status, **more)
        session.add(text)
        session.flush()
        return text.id, job, number


def test_the_page_exists_for_operators_alone(visit: Visit, settings: Settings) -> None:
    """A stranger, a browser with an account and one with a number are told the same."""
    stranger, person = visit(), visit()
    person.sign_in(settings)
    for one in (stranger, person):
        assert one.get("/operator/texts").status_code == 404
        assert "/operator" not in one.get("/").text
    fields = person.fields("/account", "/account/tokens")
    decision = f"/operator/texts/{uuid4()}/decision"
    assert person.post(decision, **fields, verb="sent").status_code == 404


def test_a_text_is_shown_with_what_is_known_of_it(
    operator: Any, database: Database, settings: Settings
) -> None:
    """The number masked, the segments counted, the reason in words."""
    _, job, number = make_text(
        database, settings, "failed", error_code="30007", segments=3, attempts=2, resends=1
    )
    page = operator.get("/operator/texts").text
    (row,) = [row for row in page.split("<tr>") if str(job) in row]
    assert "Not sent" in row and "filtered by the carrier (30007)" in row
    assert number[-4:] in row and number[3:] not in page
    for cell in (
        '"Segments">3</td>', '"Attempts">2</td>', '"Resends">1</td>', '"Looks">0</td>',
    ):  # fmt: skip
        assert cell in row
    assert 'href="/operator/texts"' in operator.get("/").text


def test_texts_are_filtered_and_come_in_pages(
    operator: Any, database: Database, settings: Settings
) -> None:
    delivered = [str(make_text(database, settings, "delivered")[1]) for _ in range(51)]
    failed = str(make_text(database, settings, "failed")[1])
    page = operator.get("/operator/texts?status=delivered").text
    assert failed not in page and delivered[-1] in page
    older = page.split('href="?before=')[1].split('"')[0].replace("&amp;", "&")
    rest = operator.get(f"/operator/texts?before={older}").text
    assert delivered[0] in rest and delivered[-1] not in rest
    assert operator.get("/operator/texts?status=nonsense").status_code == 200


@pytest.mark.parametrize(
    ("verb", "status"), [("sent", "sent"), ("again", "queued"), ("give-up", "failed")]
)
def test_what_needs_a_decision_gets_one(
    operator: Any, database: Database, settings: Settings, verb: str, status: str
) -> None:
    text, _, _ = make_text(database, settings, "needs_review", attempts=1)
    action = f"/operator/texts/{text}/decision"
    answer = operator.press("/operator/texts", action, verb=verb)
    assert "Your decision is kept" in operator.get(answer.headers["Location"]).text
    with database.operator() as session:
        assert session.get_one(Notification, text).status == status
    fields = operator.fields("/account", "/account/tokens")
    late = operator.post(action, **fields, verb=verb)
    assert "waits for no decision" in operator.get(late.headers["Location"]).text
    assert operator.post(action, **fields, verb="nonsense").status_code == 400


def test_what_happened_lately_is_shown(operator: Any, database: Database) -> None:
    with database.operator() as session:
        record_operator_event(session, "cap_hit", "text_total", most=5)
    page = operator.get("/operator/texts").text
    assert "cap_hit" in page and "most=5" in page


def test_every_status_and_code_has_words() -> None:
    from models import NotificationStatus
    from tasks.text_errors import CODES
    from tasks.text_rules import REFUSALS

    assert STATUSES.keys() == set(NotificationStatus)
    assert {*CODES, *REFUSALS, "texts_off"} == REASONS.keys()
