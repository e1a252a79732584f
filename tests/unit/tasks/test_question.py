"""When two ask the same, and what is said of a field that is not right."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from models.field_words import field_errors
from tasks.submission import question_hash

ASKED = {"image": "018f", "limit": 24, "categories": ["dress", "shoe"]}
PHOTO = {"image": b"1" * 32}


def test_the_order_of_fields_makes_no_other_question() -> None:
    turned = dict(reversed(ASKED.items()))
    assert question_hash("image_search", ASKED, {}) == question_hash("image_search", turned, {})


def test_a_file_counts_by_its_content() -> None:
    other_id = {**ASKED, "image": "0190"}
    first = question_hash("image_search", ASKED, PHOTO)
    assert question_hash("image_search", other_id, PHOTO) == first
    assert question_hash("image_search", ASKED, {"image": b"2" * 32}) != first
    # A text that looks like a file is none.
    assert question_hash("image_search", ASKED, {}) != first


@pytest.mark.parametrize(
    ("kind", "change"),
    [("report", {}), ("image_search", {"limit": 25}), ("image_search", {"limit": None}),
     ("image_search", {"categories": ["shoe", "dress"]})],
)  # fmt: skip
def test_anything_else_is_another_question(kind: str, change: dict[str, Any]) -> None:
    first = question_hash("image_search", ASKED, {})
    assert question_hash(kind, {**ASKED, **change}, {}) != first


class Asked(BaseModel):
    """What a kind may ask for."""

    limit: int = Field(24, ge=1, le=60)
    share: float | None = Field(None, ge=0, le=1)
    least: int = Field(0, ge=5)
    words: list[str] = Field(default_factory=list, max_length=2)
    title: str = Field("", max_length=3)
    is_new: bool = False


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("limit", "many", "must be a whole number, 1 to 60"),
        ("limit", 61, "must be 1 to 60"),
        ("limit", 2.5, "must be a whole number, 1 to 60"),
        ("share", "half", "must be a number, 0 to 1"),
        ("least", 4, "must be at least 5"),
        ("words", "one", "must be a list"),
        ("words", ["a", "b", "c"], "must have at most 2 entries"),
        ("title", "long", "must have at most 3 characters"),
        ("title", 5, "must be text"),
        ("is_new", "perhaps", "must be true or false"),
    ],
)
def test_what_would_be_right_is_said_in_plain_words(name: str, value: Any, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Asked.model_validate({name: value})
    assert [(where, text) for where, _, text in field_errors(caught.value, Asked)] == [
        ((name,), words)
    ]
