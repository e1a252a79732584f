"""A program looks after the account it has a token of."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from api_client import Api
from belongings import fill
from cast import Person
from factories import give_phone
from flask import Flask

from models import BrowserSession, Database, Settings, SuppressionReason
from models.credentials import MOST_TOKENS
from models.phone import PhoneKeys
from models.suppression import suppress


def code_of(answer: Any) -> tuple[int, str]:
    """Return the status and the code of a problem."""
    return answer.status_code, answer.get_json()["code"]


def test_an_account_shows_its_number_masked(
    a: Api, database: Database, settings: Settings, person_a: Person
) -> None:
    assert a.get("me").get_json() | {"created_at": ""} == {
        "id": str(person_a.id),
        "role": "person",
        "locale": "en",
        "time_zone": "UTC",
        "phone": None,
        "created_at": "",
    }
    number = give_phone(database, settings, person_a.id)
    with database.owner(person_a.id) as session:
        phone_hash = PhoneKeys(settings).fingerprint(number)
        suppress(session, phone_hash, SuppressionReason.ACCOUNT)
    answer = a.get("me")
    phone = answer.get_json()["phone"]
    assert (phone["masked"], phone["country"]) == (f"•••• {number[-4:]}", "KR")
    assert phone["texts_stopped"] is True
    assert number[4:-4] not in answer.text


def test_a_token_makes_lists_and_revokes_tokens(a: Api, app: Flask) -> None:
    made = a.post("tokens", json={"name": "for the backup"})
    assert made.status_code == 201
    token = made.get_json()
    other = Api(app.test_client(), token["secret"])
    assert other.get("me").get_json() == a.get("me").get_json()
    listed = a.get("tokens").get_json()["tokens"]
    assert [one["name"] for one in listed] == ["for the backup", "a test"]
    assert all("secret" not in one for one in listed)
    assert listed[0]["made_by_id"] == listed[1]["id"]
    assert a.open(f"tokens/{token['id']}", method="DELETE").status_code == 204
    assert code_of(other.get("me")) == (401, "token_invalid")
    assert code_of(a.open(f"tokens/{token['id']}", method="DELETE")) == (404, "token_not_found")


def test_no_token_outlives_the_one_that_made_it(a: Api, app: Flask) -> None:
    """Whoever stole a token keeps nothing of it, however many they made of each other."""
    own = a.get("tokens").get_json()["tokens"][0]["id"]
    child = Api(app.test_client(), a.post("tokens", json={"name": "one"}).get_json()["secret"])
    grandchild = child.post("tokens", json={"name": "two"}).get_json()["secret"]
    assert a.open(f"tokens/{own}", method="DELETE").status_code == 204
    for caller in (a, child, Api(app.test_client(), grandchild)):
        assert code_of(caller.get("me")) == (401, "token_invalid")


def test_tokens_have_names_and_a_limit(a: Api) -> None:
    for body in ({}, {"name": ""}, {"name": "x" * 101}, {"name": "a\0b"}, {"name": 1}):
        answer = a.post("tokens", json=body)
        assert code_of(answer) == (422, "invalid_request"), body
        assert answer.get_json()["errors"][0]["field"] == "name"
    for number in range(MOST_TOKENS - 1):
        assert a.post("tokens", json={"name": str(number)}).status_code == 201
    assert code_of(a.post("tokens", json={"name": "one more"})) == (409, "too_many_tokens")


def test_browsers_are_listed_and_signed_out(a: Api, database: Database, person_a: Person) -> None:
    with database.owner(person_a.id) as session:
        for _ in range(3):
            BrowserSession.start(session, person_a.id, device="Chrome on Android")
    listed = a.get("sessions").get_json()["sessions"]
    assert [one["device"] for one in listed] == ["Chrome on Android"] * 3
    one = f"sessions/{listed[0]['id']}"
    assert a.open(one, method="DELETE").status_code == 204
    assert code_of(a.open(one, method="DELETE")) == (404, "session_not_found")
    assert len(a.get("sessions").get_json()["sessions"]) == 2
    assert a.open("sessions", method="DELETE").status_code == 204
    assert a.get("sessions").get_json()["sessions"] == []
    assert a.get("me").status_code == 200  # tokens go on


def test_a_program_of_one_cannot_touch_anothers(
    a: Api, b: Api, database: Database, settings: Settings, person_a: Person
) -> None:
    """B lists, revokes and exports B's alone."""
    fill(database, settings, person_a.id)
    tokens = a.get("tokens").get_json()["tokens"]
    browsers = a.get("sessions").get_json()["sessions"]
    for path in [
        *(f"tokens/{one['id']}" for one in tokens),
        *(f"sessions/{one['id']}" for one in browsers),
        f"tokens/{uuid4()}",
    ]:
        assert b.open(path, method="DELETE").status_code == 404
    b.open("sessions", method="DELETE")
    assert a.get("tokens").get_json()["tokens"] == tokens
    assert a.get("sessions").get_json()["sessions"] == browsers
    assert str(person_a.id) not in b.get("me/export").text


def test_the_export_is_as_described(
    a: Api, stranger: Api, database: Database, settings: Settings, person_a: Person
) -> None:
    number = fill(database, settings, person_a.id)
    answer = a.get("me/export")
    assert answer.mimetype == "application/json"
    everything = answer.get_json()
    schema = stranger.get("openapi.json").get_json()["components"]["schemas"]["Export"]
    assert everything.keys() == schema["properties"].keys()
    assert everything["account"]["phone"] == number
    assert UUID(everything["jobs"][0]["id"])
