"""Another key for the phone numbers, while everything goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from cast import Person, make_person
from click.testing import CliRunner
from factories import give_phone, new_number
from pydantic import SecretStr

from models import Database, Settings, User, VerificationCode
from models.ids import new_id
from models.phone import PhoneKeys, PhoneNumber
from models.phone_rotation import rotate_phones
from webapp.cli import main


@pytest.fixture
def anew(settings: Settings, owner_connection: psycopg.Connection) -> Iterator[Settings]:
    """Settings with another key, the former among those before; only this test's numbers exist."""
    owner_connection.execute(
        "update users set phone_ciphertext = null, phone_verified_at = null where erased_at is null"
    )
    owner_connection.execute("update verification_codes set phone_ciphertext = null")
    yield settings.model_copy(
        update={
            "phone_cipher_key": SecretStr("n" * 32),
            "phone_cipher_keys_before": settings.phone_cipher_key,
        }
    )
    owner_connection.execute(
        "update users set phone_ciphertext = null, phone_verified_at = null where erased_at is null"
    )
    owner_connection.execute("update verification_codes set phone_ciphertext = null")


def _read(database: Database, person: Person, settings: Settings) -> str | None:
    with database.owner(person.id) as session:
        return session.get_one(User, person.id).phone(PhoneKeys(settings))


def test_all_numbers_are_encrypted_anew_and_the_former_key_may_go(
    database: Database, settings: Settings, anew: Settings
) -> None:
    """Of accounts and of codes under way; a second time there is nothing left to do."""
    people = [make_person(database) for _ in range(3)]
    numbers = [give_phone(database, settings, person.id) for person in people]
    code_id, number = new_id(), PhoneNumber.parse(new_number())
    keys = PhoneKeys(settings)
    with database.owner(people[0].id) as session:
        session.add(
            VerificationCode(
                id=code_id, owner_id=people[0].id, phone_hash=keys.fingerprint(number.e164),
                phone_ciphertext=keys.encrypt(number.e164, str(code_id)), phone_country="KR",
                phone_last_digits=number.e164[-4:],
                expires_at=datetime.now(UTC) + timedelta(minutes=10),
            )
        )  # fmt: skip
    assert [_read(database, person, anew) for person in people] == numbers, "before, too"
    rotated = rotate_phones(database, anew)
    assert (rotated.changed, rotated.unreadable) == (4, 0)
    alone = anew.model_copy(update={"phone_cipher_keys_before": None})
    assert [_read(database, person, alone) for person in people] == numbers
    with database.owner(people[0].id) as session:
        kept = session.get_one(VerificationCode, code_id).phone_ciphertext
    assert kept is not None
    assert PhoneKeys(alone).decrypt(kept, str(code_id)) == number.e164
    assert rotate_phones(database, anew).changed == 0


def test_two_at_once_and_a_number_changed_meanwhile_do_no_harm(
    database: Database, settings: Settings, anew: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each number is done by one of them, and the newest number stays."""
    people = [make_person(database) for _ in range(30)]
    numbers = [give_phone(database, settings, person.id) for person in people]
    monkeypatch.setattr("models.phone_rotation.BATCH", 7)
    done: list[int] = []
    threads = [
        threading.Thread(target=lambda: done.append(rotate_phones(database, anew).changed))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    changed = give_phone(database, anew, people[7].id)
    for thread in threads:
        thread.join()
    numbers[7] = changed
    alone = anew.model_copy(update={"phone_cipher_keys_before": None})
    assert [_read(database, person, alone) for person in people] == numbers
    assert sum(done) in (29, 30)


def test_the_command_says_when_a_key_is_missing(
    database: Database, settings: Settings, anew: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence with the settings' names, and nothing is lost."""
    person = make_person(database)
    number = give_phone(database, settings, person.id)
    monkeypatch.setenv("PHONE_CIPHER_KEY", "n" * 32)
    refused = CliRunner().invoke(main, ["phones", "rotate"])
    assert refused.exit_code == 2
    assert "1 could not be read" in refused.output
    assert "PHONE_CIPHER_KEYS_BEFORE" in refused.output
    assert "Traceback" not in refused.output
    assert _read(database, person, settings) == number
    monkeypatch.setenv("PHONE_CIPHER_KEYS_BEFORE", settings.phone_cipher_key.get_secret_value())
    done = CliRunner().invoke(main, ["phones", "rotate"])
    assert done.exit_code == 0
    assert "earlier keys are not needed" in done.output
