"""The form of a kind that another package brings: made from its JSON Schema, sent like our own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, field_validator

from tasks.fields import UploadId
from tasks.registry import JobKind, kinds

Visit = Callable[..., Any]
FORM = "/search/survey"


class Params(BaseModel):
    """What an integrator might ask for."""

    model_config = ConfigDict(extra="forbid")

    topic: str = Field(max_length=50, title="Topic", description="In a few words.")
    people: int = Field(10, ge=1, le=100, title="People")
    mood: Literal["calm", "loud"] = Field("calm", title="Mood")
    is_anonymous: bool = Field(True, title="Without names")
    sources: list[HttpUrl] = Field(default_factory=list, title="Sources")
    country: str | None = Field(None, title="Country of the people")
    picture: UploadId | None = Field(None, title="Picture")

    @field_validator("topic")
    @classmethod
    def _is_no_secret(cls, topic: str) -> str:
        if topic == "secret":
            raise ValueError("Nobody may know of this.")
        return topic


class Result(BaseModel):
    """What it answers."""

    said: str


@pytest.fixture(autouse=True)
def survey(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bring a kind along, as a package does."""
    kind = JobKind(
        name="survey",
        title="Ask people",
        description="Asks some people about a topic.",
        params=Params,
        result=Result,
        run=lambda ctx, params: Result(said=params.topic),
    )
    monkeypatch.setitem(kinds(), "survey", kind)  # type: ignore[arg-type]


def test_its_form_has_a_field_for_each_param(visit: Visit) -> None:
    """In the words of its package, described, with its defaults; none is called like our own."""
    page = visit("ko").get(FORM).text
    assert "<h1>Ask people</h1>" in page
    assert "Asks some people about a topic." in page
    names = re.findall(r'(?:input|select|textarea)[^>]* name="(params\.[^"]+)"', page)
    assert names == [f"params.{name}" for name in Params.model_fields]
    topic = re.search(r'<input[^>]*name="params.topic"[^>]*>', page)
    assert topic is not None
    assert 'aria-describedby="topic-about "' in topic[0]
    assert "required" in topic[0]
    assert 'id="topic-about">In a few words.' in page
    assert 'name="params.people" inputmode="numeric" autocomplete="off" value="10"' in page
    assert '<option value="calm" selected>Calm</option>' in page
    assert 'name="params.is_anonymous" value="true" checked' in page
    assert 'type="file" id="field-picture" name="params.picture"' in page


def test_what_is_filled_in_is_what_it_gets(
    visit: Visit, files: Path, owner_connection: psycopg.Connection, work: Callable[..., None]
) -> None:
    """A photo too; what was left open is left to the kind; the answer has a plain page."""
    person = visit()
    with (files / "coffee.jpg").open("rb") as photo:
        answer = person.press(
            FORM,
            FORM,
            **{
                "params.topic": "bread",
                "params.people": "",
                "params.mood": "loud",
                "params.sources": "https://a.example/\n\nhttps://b.example/",
                "params.country": "",
                "params.picture": (photo, "a.jpg"),
            },
        )
    assert answer.status_code == 303, answer.text
    path = answer.headers["Location"]
    row = owner_connection.execute(
        "select params from jobs where id = %s", (path.rsplit("/", 1)[1],)
    ).fetchone()
    assert row is not None
    picture = row[0].pop("picture")
    assert row[0] == {
        "topic": "bread",
        "people": 10,
        "mood": "loud",
        "is_anonymous": False,
        "sources": ["https://a.example/", "https://b.example/"],
        "country": None,
    }
    assert f"/photos/{picture}" in person.get(path).text
    form = person.get(f"{FORM}?like={path.rsplit('/', 1)[1]}").text
    assert 'name="params.topic" autocomplete="off" value="bread"' in form
    assert "https://a.example/\nhttps://b.example/</textarea>" in form
    assert f'name="kept.picture" value="{picture}"' in form
    assert 'name="params.is_anonymous" value="true" checked' not in form


def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(visit: Visit, files: Path) -> None:
    """What the schema says in the reader's language, what only the kind knows in its own."""
    person = visit("ko")
    fields = {"params.people": "1000", "params.sources": "x", "country": "KR", "phone": "1"}
    with (files / "coffee.jpg").open("rb") as photo:
        answer = person.press(FORM, FORM, **fields, **{"params.picture": (photo, "a.jpg")})
    assert answer.status_code == 422
    for name, said in (
        ("topic", "이 칸을 채워 주세요."),
        ("people", "1에서 100 사이로 적어 주세요."),
        ("sources", "열 수 없는 웹 주소예요."),
        ("phone", "문자를 보낼 수 없는 번호예요"),
    ):
        problem = re.search(rf'id="{name}-problem">([^<]*)<', answer.text)
        assert problem is not None, name
        assert said in problem[1]
    assert 'name="params.people" inputmode="numeric" autocomplete="off" value="1000"' in answer.text
    kept = re.search(r'name="kept.picture" value="([^"]+)"', answer.text)
    assert kept is not None
    assert person.get(f"/photos/{kept[1]}").data == (files / "coffee.jpg").read_bytes()
    own = {"params.topic": "secret", "kept.picture": kept[1]}
    answer = person.press(FORM, FORM, **own)
    assert "Nobody may know of this." in answer.text
    answer = person.press(FORM, FORM, **{**own, "params.topic": "bread"})
    assert answer.status_code == 303
    other = visit()
    assert other.press(FORM, FORM, **{**own, "params.topic": "bread"}).status_code == 422


def test_the_same_form_twice_is_one_search(visit: Visit) -> None:
    person = visit()
    fields = person.fields(FORM, FORM) | {"params.topic": "bread", "params.people": "5"}
    first, second = (person.post(FORM, **fields).headers["Location"] for _ in range(2))
    assert first == second
    third = person.post(FORM, **{**fields, "params.people": "6"}).headers["Location"]
    assert third != first
