"""The pages as a browser without scripts gets them, and what they refuse."""

from __future__ import annotations

import io
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from api_client import MANY, close_app
from factories import new_number

from models import Database, Settings
from tasks.providers.catalog.sample import load_sample_catalog
from tasks.providers.sms.console import ConsoleSms
from webapp import create_app, picture_files

Visit = Callable[..., Any]


def test_no_carrier_no_number(settings: Settings, files: Path) -> None:
    """Without a carrier of texts there is no field for a number, no promise and no phone.

    Demand: 000-29, 001-12
    """
    app = create_app(
        settings.model_copy(update={"sms_provider": "none", "submits_per_minute": MANY})
    )
    try:
        client = app.test_client()
        home = client.get("/").text
        assert 'name="phone"' not in home
        assert "/dev/phone" not in home
        assert "With your number" not in home
        assert client.get("/dev/phone", base_url="http://127.0.0.1:8000").status_code == 404
    finally:
        close_app(app)


def test_number_and_language_go_with_the_job(
    visit: Visit, files: Path, settings: Settings, owner_connection: psycopg.Connection
) -> None:
    """A proven number typed with a search asks for a text, in the language of the page."""
    person = visit("ko")
    number = person.sign_in(settings)
    job_id = person.search(files / "coffee.jpg", country="KR", phone=number)
    row = owner_connection.execute(
        "select j.notify, j.locale, u.locale, u.phone_last_digits, u.phone_country, j.source "
        "from jobs j join users u on u.id = j.owner_id where j.id = %s",
        (job_id,),
    ).fetchone()
    assert row == ("sms", "ko", "ko", number[-4:], "KR", "manual")


def test_wrong_fields_leave_no_job(
    visit: Visit, files: Path, owner_connection: psycopg.Connection
) -> None:
    """Each wrong field is told at its place, all at once, and nothing runs."""
    count = "select count(*) from jobs"
    before = owner_connection.execute(count).fetchone()
    person = visit()
    answer = person.send(
        image=(io.BytesIO(b"GIF89a no"), "cup.jpg"), country="KR", phone="1", image_url="x"
    )
    assert answer.status_code == 422
    assert "This is not a picture we can read." in answer.text
    assert "That is not a mobile number" in answer.text
    assert 'value="x"' in answer.text
    for fields, said in (
        ({"image_url": "http://127.0.0.1/x.jpg"}, "This is not a web address we can open."),
        ({"image_url": "ftp://example.org/x"}, "This is not a web address we can open."),
        ({"image": (io.BytesIO(b""), "empty.jpg")}, "The file is empty."),
        ({"image_url": "https://example.org/x.jpg", "categories": ["gold"]}, "categories does not"),
    ):
        answer = person.send(**fields)
        assert answer.status_code == 422
        assert said in answer.text
    with (files / "coffee.jpg").open("rb") as photo:
        many = person.send(image=(photo, "a.jpg"), categories=[f"c{n}" for n in range(11)])
    assert "Choose at most 10 categories." in many.text
    assert owner_connection.execute(count).fetchone() == before


def test_a_photo_is_kept_although_another_field_is_wrong(
    visit: Visit, files: Path, owner_connection: psycopg.Connection
) -> None:
    """The second try names the photo of the first, and the search is about it."""
    person = visit()
    with (files / "coffee.jpg").open("rb") as photo:
        answer = person.send(image=(photo, "a.jpg"), country="KR", phone="1")
    assert answer.status_code == 422
    kept = answer.text.split('name="photo" value="')[1].split('"', maxsplit=1)[0]
    assert person.get(f"/photos/{kept}").data == (files / "coffee.jpg").read_bytes()
    answer = person.send(photo=kept, country="KR", phone=new_number())
    assert answer.status_code == 303
    row = owner_connection.execute(
        "select params ->> 'image' from jobs where id = %s",
        (answer.headers["Location"].rsplit("/", 1)[1],),
    ).fetchone()
    assert row == (kept,)
    assert visit().send(photo=kept).status_code == 422  # it is nobody else's


def test_who_keeps_too_much_is_told_at_the_photo(
    visit: Visit, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = visit()
    person.search(files / "coffee.jpg")
    monkeypatch.setattr(picture_files, "MAX_KEPT_BYTES", 1000)
    with (files / "coffee.jpg").open("rb") as photo:
        answer = person.send(image=(photo, "a.jpg"))
    assert answer.status_code == 422
    assert "Your photos take all the room" in answer.text


@pytest.mark.parametrize(
    ("language", "sentence"), [("en", "There is nothing here"), ("ko", "여기에는 아무것도 없어요")]
)
def test_lost_page_speaks_the_language(visit: Visit, language: str, sentence: str) -> None:
    """A page that is not there still looks like ours."""
    page = visit(language).get("/nowhere")
    assert page.status_code == 404
    assert page.headers["Content-Language"] == language
    assert sentence in page.text


def test_form_of_another_site_is_refused(visit: Visit) -> None:
    """Neither another origin nor a missing token gets a job."""
    person = visit()
    person.get("/")
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "http://127.0.0.1:8000"}):
        answer = person.client.post("/", base_url="http://127.0.0.1:8000", headers=headers)
        assert answer.status_code == 403
        assert "This form cannot be taken any more" in answer.text


@pytest.mark.usefixtures("patient_limits")
def test_too_many_searches_are_told_kindly(settings: Settings) -> None:
    """The limit answers with a page and the seconds to wait."""
    app = create_app(settings.model_copy(update={"submits_per_minute": 1}))
    try:
        client = app.test_client()
        answers = [
            client.post(
                "/",
                base_url="http://127.0.0.1:8000",
                environ_base={"REMOTE_ADDR": "192.0.2.77"},
                headers={"Origin": "http://127.0.0.1:8000"},
                data={"csrf_token": _token(client.get("/", base_url="http://127.0.0.1:8000").text)},
            )
            for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [422, 429]
        assert "One moment, please" in answers[1].text
        assert int(answers[1].headers["Retry-After"]) > 0
    finally:
        close_app(app)


def test_phone_of_this_machine_opens_on_this_machine_only(visit: Visit, settings: Settings) -> None:
    """A stranger's name that points here reads no texts; numbers are masked."""
    ConsoleSms.from_settings(settings).send(
        to="+821012345678", body=f"Textback: <b>1</b> {settings.base_url}/r/{'A' * 22}"
    )
    person = visit()
    page = person.get("/dev/phone")
    assert f'<a href="{settings.base_url}/r/{"A" * 22}">' in page.text
    assert "&lt;b&gt;" in page.text
    newest = page.text.rpartition("<li>")[2].partition("</ol>")[0]
    assert "1234" not in newest
    assert "•••• 5678" in newest.replace("\u00a0", " ")
    answer = person.get("/dev/phone", headers={"Accept": "application/json"}).get_json()
    assert answer["texts"][-1]["link"].endswith("A" * 22)
    for host in ("evil.example:8000", "[2001:db8::1]:8000"):
        assert person.client.get("/dev/phone", base_url=f"http://{host}").status_code == 404


def test_language_choice_stays_with_browser_and_account(
    visit: Visit, files: Path, owner_connection: psycopg.Connection
) -> None:
    """One tap changes it, for this browser and for the texts of its account."""
    person = visit("en")
    job_id: UUID = person.search(files / "coffee.jpg")
    answer = person.get("/jobs?lang=ko")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/jobs")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert 'lang="ko"' in person.get("/jobs").text
    row = owner_connection.execute(
        "select u.locale from users u join jobs j on j.owner_id = u.id where j.id = %s", (job_id,)
    ).fetchone()
    assert row == ("ko",)
    assert person.get("/jobs?lang=xx").status_code == 200


def test_another_language_keeps_what_was_asked_for(visit: Visit, files: Path) -> None:
    """The link holds the rest of the address, and leads back to it; and to no other site."""
    person = visit("en")
    person.search(files / "coffee.jpg")
    asked = "/jobs?q=a+photo&status=succeeded"
    link = unescape(person.get(asked).text.split('href="?q=')[1].split('"', maxsplit=1)[0])
    assert link == "a+photo&status=succeeded&lang=ko"
    assert person.get(f"/jobs?q={link}").headers["Location"] == asked
    odd = person.get("/?lang=ko", environ_overrides={"PATH_INFO": "//elsewhere.example/"})
    assert odd.headers["Location"] == "/elsewhere.example/"


def test_without_a_catalog_no_category_is_asked_for(
    visit: Visit, database: Database, owner_connection: psycopg.Connection
) -> None:
    owner_connection.execute("delete from products")
    owner_connection.execute("delete from product_categories")
    try:
        bare = visit().get("/").text
    finally:
        load_sample_catalog(database)
    assert "What are you looking for?" not in bare
    assert "What are you looking for?" in visit().get("/").text


def _token(page: str) -> str:
    return page.split('name="csrf_token" value="')[1].split('"', maxsplit=1)[0]
