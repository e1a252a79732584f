"""Forms made from a kind's JSON Schema: every usual type has a field, and what is wrong is told."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import uuid4

import pytest
from flask import Flask
from flask_babel import Babel
from pydantic import BaseModel, Field, HttpUrl

from tasks.fields import UploadId
from webapp.pages.schema_fields import SchemaField, schema_fields


class Colour(Enum):
    """Something to choose."""

    RED = "red"
    DARK_BLUE = "dark_blue"


class Params(BaseModel):
    """One field of each shape."""

    name: str = Field(
        title="Your name", description="As people call you.", min_length=2, max_length=5
    )
    story: str = Field("", max_length=5000)
    count: int = Field(3, ge=1, le=10)
    ratio: float | None = Field(None, ge=0)
    is_urgent: bool = True
    is_known: bool | None = None
    colour: Colour
    size: Literal[1, 2, 3] | None = None
    colours: list[Colour] = Field(default_factory=list)
    words: list[str] = Field(default_factory=list, max_length=2)
    numbers: list[Annotated[int, Field(ge=0)]] = Field(default_factory=list)
    page: HttpUrl | None = None
    pages: list[HttpUrl] = Field(min_length=2)
    photo: UploadId
    sketch: UploadId | None = None
    extra: dict[str, Any] = Field(default_factory=dict)
    either: int | str | None = None


@pytest.fixture
def fields() -> Iterator[dict[str, SchemaField]]:
    """The fields by name, in an English page."""
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context():
        yield {one.name: one for one in schema_fields(Params)}


def test_each_type_has_its_field(fields: dict[str, SchemaField]) -> None:
    assert {name: one.shape for name, one in fields.items()} == {
        "name": "text",
        "story": "long",
        "count": "number",
        "ratio": "number",
        "is_urgent": "tick",
        "is_known": "choice",
        "colour": "choice",
        "size": "choice",
        "colours": "choices",
        "words": "lines",
        "numbers": "lines",
        "page": "url",
        "pages": "lines",
        "photo": "upload",
        "sketch": "upload",
        "extra": "json",
        "either": "json",
    }
    assert [one.name for one in fields.values() if one.is_required] == [
        "name",
        "colour",
        "pages",
        "photo",
    ]
    assert (fields["name"].title, fields["name"].description) == (
        "Your name",
        "As people call you.",
    )
    assert fields["colour"].options == (("red", "Red"), ("dark_blue", "Dark blue"))
    assert fields["is_known"].options == (("true", "Yes"), ("false", "No"))
    assert (fields["count"].default, fields["is_urgent"].default) == ("3", "true")


def test_what_was_typed_is_what_the_kind_reads(fields: dict[str, SchemaField]) -> None:
    """Its own model takes it; what was left open is left out, so that the default holds."""
    typed: dict[str, str | list[str]] = {
        "name": " Mina ",
        "story": "",
        "count": "7",
        "ratio": "0.5",
        "is_urgent": "",
        "is_known": "false",
        "colour": "dark_blue",
        "size": "2",
        "colours": ["red"],
        "words": "one\r\n\r\n two ",
        "numbers": "1\n2",
        "page": "",
        "pages": "https://a.example/\nhttps://b.example/",
        "extra": '{"a": [1]}',
        "either": "5",
    }
    assert [
        fields[name].problem(value) for name, value in typed.items() if fields[name].problem(value)
    ] == []
    read = {name: fields[name].read(value) for name, value in typed.items()}
    read["photo"] = str(uuid4())
    params = Params.model_validate({name: one for name, one in read.items() if one is not None})
    assert params.name == " Mina ".strip()
    assert (params.count, params.ratio, params.is_urgent, params.is_known) == (7, 0.5, False, False)
    assert (params.colour, params.size, params.colours) == (Colour.DARK_BLUE, 2, [Colour.RED])
    assert (params.words, params.numbers, params.page) == (["one", "two"], [1, 2], None)
    assert (params.extra, params.either) == ({"a": [1]}, 5)
    for name, value in params.model_dump(mode="json").items():
        if name not in ("photo", "sketch"):
            assert fields[name].show(value) == fields[name].show(
                fields[name].read(fields[name].show(value))
            ) or value in (None, "", [])


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("name", "", "Please fill this in."),
        ("name", "a", "At least 2 characters, please."),
        ("name", "abcdef", "At most 5 characters, please."),
        ("name", "a\0b", "A sign in it cannot be read. Type it anew, please."),
        ("count", "1.5", "This has to be a whole number."),
        ("count", "many", "This has to be a whole number."),
        ("count", "11", "This has to be from 1 to 10."),
        ("count", "9" * 40, "This has to be a whole number."),
        ("ratio", "half", "This has to be a number."),
        ("ratio", "nan", "This has to be a number."),
        ("ratio", "-1", "This has to be 0 or more."),
        ("colour", "green", "Choose one of the list, please."),
        ("colours", ["red", "green"], "Choose one of the list, please."),
        ("words", "a\nb\nc", "At most 2 lines, please."),
        ("numbers", "1\nx", "This has to be a whole number."),
        ("numbers", "-1", "This has to be 0 or more."),
        ("page", "example.org", "This is not a web address we can open."),
        ("page", "http://[", "This is not a web address we can open."),
        ("pages", "https://a.example/", "At least 2 lines, please."),
        ("pages", "", "Please fill this in."),
        ("extra", "{", "This is not valid JSON."),
        ("extra", "[" * 100_000, "This is not valid JSON."),
    ],
)
def test_what_is_wrong_is_told(
    fields: dict[str, SchemaField], name: str, typed: str | list[str], said: str
) -> None:
    assert fields[name].problem(typed) == said
