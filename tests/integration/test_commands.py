"""`textback account`, `operator` and `texts`, as somebody types them."""

from __future__ import annotations

import json

from belongings import fill
from cast import Person
from click.testing import CliRunner, Result
from factories import claim_job, give_phone, make_job, new_number

from models import Database, Notification, Settings, User
from webapp.cli import main


def run(*arguments: str, typed: str | None = None) -> Result:
    """Type a command."""
    return CliRunner().invoke(main, list(arguments), input=typed)


def test_an_account_is_exported_by_its_id_or_its_number(
    database: Database, settings: Settings, person_a: Person
) -> None:
    number = fill(database, settings, person_a.id)
    by_id = run("account", "export", str(person_a.id))
    by_number = run("account", "export", "--phone", number)
    assert (by_id.exit_code, by_number.exit_code) == (0, 0)
    assert json.loads(by_id.stdout) == json.loads(by_number.stdout)
    assert json.loads(by_id.stdout)["account"]["phone"] == number


def test_an_account_is_erased_after_a_question(
    database: Database, settings: Settings, person_a: Person
) -> None:
    number = fill(database, settings, person_a.id)
    refused = run("account", "erase", str(person_a.id), typed="n\n")
    assert refused.exit_code == 1
    with database.operator() as session:
        assert session.get_one(User, person_a.id).erased_at is None
    done = run("account", "erase", "--phone", number, "--yes")
    assert done.exit_code == 0
    assert f"Erased {person_a.id}: 2 jobs, 1 files" in done.stdout
    assert number not in done.output
    again = run("account", "erase", str(person_a.id), "--yes")
    assert again.exit_code == 2 and "There is no account" in again.stderr


def test_nobody_is_named_or_nobody_is_there(person_a: Person) -> None:
    neither = run("account", "export")
    both = run("account", "export", str(person_a.id), "--phone", "+821012345678")
    for one in (neither, both):
        assert one.exit_code == 2 and "Name the account" in one.stderr
    unknown = run("account", "erase", "--phone", new_number(), "--yes")
    assert unknown.exit_code == 2 and "No account has this number" in unknown.stderr


def test_an_operator_is_made_listed_and_unmade(
    database: Database, settings: Settings, person_a: Person
) -> None:
    nobody = run("operator", "add", "--phone", new_number())
    assert nobody.exit_code == 2 and "signs in with it on the page first" in nobody.stderr
    number = give_phone(database, settings, person_a.id)
    added = run("operator", "add", "--phone", number)
    assert added.exit_code == 0
    assert "/operator/texts" in added.stdout and "/operator/slots" in added.stdout
    listed = run("operator", "list").stdout
    assert str(person_a.id) in listed and number[-4:] in listed and number not in listed
    assert run("operator", "remove", "--phone", number).exit_code == 0
    assert str(person_a.id) not in run("operator", "list").stdout


def test_a_text_is_decided_about_without_a_browser(
    database: Database, settings: Settings, person_a: Person
) -> None:
    job = make_job(database, settings, person_a.id)
    claim = claim_job(database, job)
    with database.worker() as session:
        claim.succeed(session, {"counted": 1}, result_count=1)
    with database.operator() as session:
        text = Notification(
            job_id=job, owner_id=person_a.id, purpose="job_ended", status="needs_review"
        )
        session.add(text)
        session.flush()
    assert f"{text.id}  job {job}" in run("texts", "review").stdout
    assert run("texts", "review", "--give-up", str(text.id)).exit_code == 0
    with database.operator() as session:
        assert session.get_one(Notification, text.id).status == "failed"
    again = run("texts", "review", "--mark-sent", str(text.id))
    assert again.exit_code == 2 and "waits for no decision" in again.stderr
