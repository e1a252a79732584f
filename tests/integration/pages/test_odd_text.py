"""Text that no database stores, wherever somebody may put it: refused kindly, never a 500."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Visit = Callable[..., Any]


@pytest.mark.parametrize(
    "path",
    [
        "/?lang=%00",
        "/?x=%00",
        "/jobs?before=%00",
        "/jobs?before=%ED%A0%80",
        "/jobs/%00",
        "/photos/%00",
        "/r/%00",
        "/r/%ED%A0%80",
        "/static/%00",
        "/dev/phone?x=%00",
    ],
)
def test_odd_addresses_lead_nowhere(visit: Visit, files: Path, path: str) -> None:
    person = visit()
    person.search(files / "coffee.jpg")
    answer = person.get(path)
    assert answer.status_code in (200, 404, 422), answer.status_code
    answer.close()


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("image_url", "a\0b"),
        ("image_url", "https://example.org/\0"),
        ("categories", "drink\0"),
        ("country", "K\0"),
        ("phone", "010-1234-5678\0"),
        ("photo", "\0"),
        ("text_me", "\0"),
    ],
)
def test_odd_text_in_a_field_is_refused_or_ignored(
    visit: Visit, files: Path, field: str, text: str
) -> None:
    person = visit()
    for fields in (
        {"image": (io.BytesIO((files / "coffee.jpg").read_bytes()), "a.jpg")},
        {"image_url": "https://example.org/a.jpg"},
    ):
        answer = person.send(**{"country": "KR", "phone": "010-1234-5678", **fields, field: text})
        assert answer.status_code in (303, 422), answer.status_code
