"""Submitting: what is taken in, what is refused and how it is said."""

from __future__ import annotations

import io
import json
import struct
import zlib
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from api_client import Api
from factories import new_number
from PIL import Image
from werkzeug.test import TestResponse

from models import Database, Settings, User
from models.phone import PhoneKeys, PhoneNumber
from webapp import picture_files


def problem_of(answer: TestResponse, status: int, code: str, field: str | None = None) -> Any:
    """Return the problem document, after a look at all that every one of them has."""
    assert answer.mimetype == "application/problem+json", answer.text
    problem = answer.get_json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] == f"/api/docs#problem-{code}"
    assert problem["title"]
    assert problem["detail"]
    if field is not None:
        assert [error["field"] for error in problem["errors"]] == [field], problem
        assert all(error["message"] for error in problem["errors"])
    return problem


def rows_of(connection: psycopg.Connection, api: Api) -> int:
    """Count everything a person has left in the database."""
    query = (
        "select (select count(*) from jobs where owner_id = %(id)s)"
        " + (select count(*) from job_events where owner_id = %(id)s)"
        " + (select count(*) from uploads where owner_id = %(id)s)"
        " + (select count(*) from upload_chunks where owner_id = %(id)s)"
        " + (select count(*) from result_links where owner_id = %(id)s)"
    )
    row = connection.execute(query, {"id": api.person_id}).fetchone()
    assert row is not None
    return int(row[0])


def png(width: int, height: int) -> bytes:
    """Return a whole PNG of one colour, small on the wire whatever its size."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((width + 7) // 8 + 1) * min(height, 10))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*part) for part in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    )


@pytest.fixture
def photo(files: Path) -> bytes:
    """A real photo."""
    return (files / "coffee.jpg").read_bytes()


def form(content: bytes, name: str = "image", **more: Any) -> dict[str, Any]:
    """Return a multipart form with one file."""
    return {"data": {"kind": "image_search", name: (io.BytesIO(content), "x.txt"), **more}}


def test_the_row_is_there_when_the_answer_comes(
    a: Api, owner_connection: psycopg.Connection
) -> None:
    """Demand: 000-5, 000-16, 002-11, 003-2, 004-12."""
    job = a.submit(client_context={"device": "phone"}, retention_days=3, locale="ko")
    row = owner_connection.execute(
        "select status, progress, source, locale, client_context, notify,"
        " expires_at - created_at < interval '3 days 1 minute'"
        " and expires_at - created_at > interval '2 days 23 hours' from jobs where id = %s",
        [job["id"]],
    ).fetchone()
    assert row == ("queued", 0, "api", "ko", {"device": "phone"}, "none", True)
    events = owner_connection.execute(
        "select event from job_events where job_id = %s", [job["id"]]
    ).fetchall()
    assert events == [("enqueued",)]


@pytest.mark.parametrize(("asked", "days"), [({}, 7), ({"retention_days": 30}, 30)])
def test_an_answer_is_kept_for_a_week_or_as_long_as_was_asked(
    a: Api, asked: dict[str, int], days: int
) -> None:
    """Demand: 000-39."""
    job = a.submit(**asked)
    made, expires = (datetime.fromisoformat(job[name]) for name in ("created_at", "expires_at"))
    assert abs(expires - made - timedelta(days=days)) < timedelta(minutes=1)


def test_every_field_of_a_job_is_there(a: Api) -> None:
    """Demand: 000-10, 001-5."""
    job = a.submit(params={"steps": 5})
    assert set(job) == {
        "id", "kind", "source", "status", "progress", "progress_done", "progress_total",
        "progress_unit", "stage", "eta_seconds", "eta_low", "eta_high", "eta_learning",
        "attempt", "max_attempts", "params",
        "result_count", "partial", "rerun_of_id",
        "saved_search_id", "new_count", "cancel_requested_at", "queue_position",
        "notification", "error", "links", "created_at", "started_at", "finished_at",
        "expires_at", "expired", "version",
    }  # fmt: skip
    assert set(job["links"]) == {"self", "events", "result", "timeline", "page"}
    assert job["params"]["steps"] == 5
    assert job["queue_position"] >= 1
    assert job["created_at"].endswith("Z")


def test_a_photo_goes_in_with_the_job(
    a: Api, photo: bytes, owner_connection: psycopg.Connection
) -> None:
    """Demand: 003-2."""
    answer = a.post("jobs", **form(photo, limit="5", retention_days="2"))
    assert answer.status_code == 202, answer.text
    job = answer.get_json()
    assert job["params"]["limit"] == 5
    stored = owner_connection.execute(
        "select u.media_type, u.size_bytes, sum(length(c.content)), min(u.width) from uploads u"
        " join upload_chunks c on c.upload_id = u.id where u.id = %s group by u.id",
        [job["params"]["image"]],
    ).fetchone()
    assert stored is not None
    assert stored[:3] == ("image/jpeg", len(photo), len(photo))
    assert stored[3] > 0


def test_params_of_a_form_may_be_one_json_text(a: Api, photo: bytes) -> None:
    answer = a.post("jobs", **form(photo, params='{"limit": 7}'))
    assert answer.status_code == 202, answer.text
    assert answer.get_json()["params"]["limit"] == 7
    twice = a.post("jobs", **form(photo, params='{"limit": 7}', limit="8"))
    problem_of(twice, 422, "invalid_request", "params.limit")
    broken = a.post("jobs", **form(photo, params="{"))
    problem_of(broken, 422, "invalid_request", "params")


def test_an_upload_can_be_named_by_a_job(a: Api, photo: bytes) -> None:
    answer = a.post("uploads", data={"file": (io.BytesIO(photo), "anything.exe")})
    assert answer.status_code == 201, answer.text
    upload = answer.get_json()
    assert (upload["media_type"], upload["size_bytes"]) == ("image/jpeg", len(photo))
    job = a.submit("image_search", params={"image": upload["id"]})
    assert job["params"]["image"] == upload["id"]


PICTURES = {
    "empty_file": b"",
    "not_a_picture": b"MZ" + b"\x90" * 5000,
    "picture_too_large": png(10_000, 6_000),
}


@pytest.mark.parametrize("code", [*PICTURES, "picture_truncated", "bomb", "svg"])
def test_a_bad_picture_is_refused_at_its_field_and_leaves_nothing(
    a: Api, photo: bytes, code: str, owner_connection: psycopg.Connection
) -> None:
    """Demand: 003-2."""
    content, expected = PICTURES.get(code, b""), code
    if code == "picture_truncated":
        content = photo[: len(photo) // 2]
    elif code == "bomb":
        content, expected = png(60_000, 60_000), "picture_too_large"
    elif code == "svg":
        content, expected = b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_a_picture"
    problem_of(a.post("jobs", **form(content)), 422, expected, "params.image")
    upload = a.post("uploads", data={"file": (io.BytesIO(content), "photo.jpg")})
    problem_of(upload, 422, expected, "file")
    assert rows_of(owner_connection, a) == 0


def test_30_megabytes_are_too_many(
    a: Api, photo: bytes, owner_connection: psycopg.Connection
) -> None:
    large = photo + bytes(30 * 1024 * 1024)
    for answer, field in (
        (a.post("jobs", **form(large)), "params.image"),
        (a.post("uploads", data={"file": (io.BytesIO(large), "photo.jpg")}), "file"),
    ):
        assert "20,971,520 bytes" in problem_of(answer, 413, "file_too_large", field)["detail"]
    just = photo + bytes(20 * 1024 * 1024 + 1 - len(photo))
    problem = problem_of(a.post("jobs", **form(just)), 413, "file_too_large", "params.image")
    assert "20,971,521" in problem["detail"]
    assert rows_of(owner_connection, a) == 0


def test_an_account_keeps_only_so_much(
    a: Api, b: Api, photo: bytes, owner_connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Refused before anything is written; the others have room of their own, and so have those
    whose files have gone.
    """
    monkeypatch.setattr(picture_files, "MAX_KEPT_BYTES", 2 * len(photo))

    def upload(api: Api) -> TestResponse:
        answer = api.post("uploads", data={"file": (io.BytesIO(photo), "photo.jpg")})
        assert isinstance(answer, TestResponse)
        return answer

    assert upload(a).status_code == 201
    assert a.post("jobs", **form(photo)).status_code == 202
    before = rows_of(owner_connection, a)
    assert f"{2 * len(photo):,}" in problem_of(upload(a), 413, "upload_quota", "file")["detail"]
    problem_of(a.post("jobs", **form(photo)), 413, "upload_quota", "params.image")
    assert rows_of(owner_connection, a) == before
    assert upload(b).status_code == 201
    owner_connection.execute("delete from uploads where owner_id = %s", [a.person_id])
    assert upload(a).status_code == 201


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"kind": "image_search", "params": {}}, "params", "photo"),
        ({"kind": "image_search", "params": {"image_url": "ftp://example.org/a.jpg"}},
         "params.image_url", "http"),
        ({"kind": "image_search", "params": {"image_url": "http://127.0.0.1/a.jpg"}},
         "params.image_url", ""),
        ({"kind": "image_search", "params": {"image_url": "http://[::ffff:10.0.0.1]/a.jpg"}},
         "params.image_url", ""),
        ({"kind": "image_search", "params": {"image_url": "http://169.254.169.254/latest"}},
         "params.image_url", ""),
        ({"kind": "image_search", "params": {"image_url": "https://example.org/a.jpg",
                                             "categories": ["no-such-shelf"]}},
         "params.categories", "no-such-shelf"),
        ({"kind": "image_search", "params": {"image_url": "https://example.org/a.jpg",
                                             "limit": 61}}, "params.limit", "1 to 60"),
        ({"kind": "image_search", "params": {"image": "not-an-id"}}, "params.image", "UUID"),
        ({"kind": "image_search", "params": {"image": str(uuid4())}}, "params.image", "upload"),
        ({"kind": "count_slowly", "params": {"steps": "many"}}, "params.steps",
         "whole number, 1 to 1000"),
        ({"kind": "count_slowly", "params": {"speed": 1}}, "params.speed", "steps"),
        ({"kind": "count_slowly", "speed": 1}, "speed", "params"),
        ({"kind": "count_slowly", "notify": "email"}, "notify", "sms"),
        ({"kind": "count_slowly", "params": []}, "params", "object"),
        ({"kind": "count_slowly", "retention_days": 0}, "retention_days", "1 to 365"),
        ({"kind": "count_slowly", "locale": "xx"}, "locale", "ko"),
        ({"kind": 5}, "kind", "text"),
        ({}, "kind", "required"),
        ({"kind": "count_slowly", "params": {"marks": "a\0b"}}, "params.marks", "NUL"),
        ({"kind": "count_slowly", "client_context": {"a": "\ud800"}}, "client_context.a", "half"),
        ({"kind": "count_slowly", "owner_id": str(uuid4())}, "owner_id", "no such field"),
        ({"kind": "count_slowly", "status": "succeeded"}, "status", "no such field"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_with_what_would_be_right(
    a: Api, body: Any, field: str, says: str, owner_connection: psycopg.Connection
) -> None:
    answer = a.post("jobs", data=json.dumps(body), content_type="application/json")
    problem = problem_of(answer, 422, "invalid_request", field)
    assert says in problem["errors"][0]["message"]
    assert rows_of(owner_connection, a) == 0


def test_an_unknown_kind_is_told_which_there_are(a: Api) -> None:
    for more in ({"json": {"kind": "image_serach"}}, {"data": {"kind": "image_serach"}}):
        problem = problem_of(
            a.post("jobs", content_type=more.get("data") and "multipart/form-data", **more),
            422, "unknown_kind", "kind",
        )  # fmt: skip
        assert "image_search" in problem["detail"]


def test_a_form_names_what_it_does_not_know(a: Api, photo: bytes) -> None:
    problem_of(a.post("jobs", **form(photo, colour="red")), 422, "invalid_request", "colour")
    answer = a.post("jobs", **form(photo, name="picture"))
    problem = problem_of(answer, 422, "invalid_request", "params.picture")
    assert "image" in problem["detail"]
    answer = a.post("jobs", **form(photo, kind="count_slowly"))
    problem_of(answer, 422, "invalid_request", "params.image")


NO_OBJECTS = [
    b"", b"{", b"[]", b"3", b"\xff\xfe", b'{"kind": NaN}', b'{"a": 1e999}', b"[" * 20_000,
    b'{"kind": ' + b"1" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("body", NO_OBJECTS)
def test_a_body_that_is_no_json_object(a: Api, body: bytes) -> None:
    answer = a.post("jobs", data=body, content_type="application/json")
    problem_of(answer, 400, "malformed_json")


def test_a_json_body_is_at_most_64_kb(a: Api) -> None:
    body = {"kind": "count_slowly", "client_context": {"a": "x" * 70_000}}
    assert (
        "65,536" in problem_of(a.post("jobs", json=body), 413, "body_too_large", "body")["detail"]
    )


def test_other_formats_are_not_taken(a: Api) -> None:
    answer = a.post("jobs", data=b"<job/>", content_type="application/xml")
    problem_of(answer, 415, "unsupported_media_type")
    answer = a.post("uploads", data=b"x", content_type="image/jpeg")
    problem_of(answer, 415, "unsupported_media_type")


def test_somebody_elses_upload_looks_like_none(a: Api, b: Api, photo: bytes) -> None:
    """Demand: 002-25."""
    upload = a.post("uploads", data={"file": (io.BytesIO(photo), "x")}).get_json()["id"]
    tried = b.post("jobs", json={"kind": "image_search", "params": {"image": upload}})
    unknown = b.post("jobs", json={"kind": "image_search", "params": {"image": str(uuid4())}})
    problem = problem_of(tried, 422, "invalid_request", "params.image")
    assert problem == problem_of(unknown, 422, "invalid_request", "params.image")


def test_a_text_needs_a_verified_phone(
    a: Api, database: Database, settings: Settings, owner_connection: psycopg.Connection
) -> None:
    """Demand: 000-11."""
    answer = a.post("jobs", json={"kind": "count_slowly", "notify": "sms"})
    problem_of(answer, 422, "phone_not_verified", "notify")
    assert rows_of(owner_connection, a) == 0
    assert a.person_id is not None
    with database.owner(a.person_id) as session:
        user = session.get_one(User, a.person_id)
        user.set_phone(PhoneNumber.parse(new_number()), PhoneKeys(settings))
        session.flush()
    answer = a.post("jobs", json={"kind": "count_slowly", "notify": "sms"})
    problem_of(answer, 422, "phone_not_verified", "notify")
    owner_connection.execute(
        "update users set phone_verified_at = now() where id = %s", [a.person_id]
    )
    job = a.submit(notify="sms")
    links = owner_connection.execute(
        "select purpose from result_links where job_id = %s", [job["id"]]
    ).fetchall()
    assert links == [("text",)]


def test_texts_can_be_off(make_app: Any, token_a: str) -> None:
    app = make_app(sms_provider="none")
    answer = Api(app.test_client(), token_a).post(
        "jobs", json={"kind": "count_slowly", "notify": "sms"}
    )
    problem_of(answer, 422, "texts_off", "notify")


@pytest.mark.parametrize("size_bytes", [70_000, 264_000, 1_033_000, 6_000_000])
@pytest.mark.parametrize("path", ["jobs", "uploads"])
def test_photos_of_every_usual_size_are_taken(a: Api, path: str, size_bytes: int) -> None:
    """What a camera makes does not compress: wherever line ends fall in it, it is taken."""
    noise = Random(size_bytes)
    for _ in range(3):
        photo = jpeg_of_size(noise, size_bytes)
        if path == "jobs":
            form = {"kind": "image_search", "image": (io.BytesIO(photo), "photo.jpg")}
        else:
            form = {"file": (io.BytesIO(photo), "photo.jpg")}
        answer = a.post(path, data=form)
        assert answer.status_code in (201, 202), answer.json


def jpeg_of_size(noise: Random, size_bytes: int) -> bytes:
    """Make a whole JPEG of noise of about this size."""
    side = int((size_bytes / 2.5) ** 0.5)
    picture = Image.frombytes("RGB", (side, side), noise.randbytes(side * side * 3))
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=95)
    return made.getvalue()
