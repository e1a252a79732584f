"""What sites send, made plain."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tasks.providers.job_board.cleaning import (
    job_type,
    line,
    paragraphs,
    salary,
    web_address,
)
from tasks.providers.job_board.plain_text import plain_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (float("nan"), None),
        ("  a\n\tb  ", "a b"),
        ("a\0b\ud800c\u202ed\x07", "abcd"),
        ("\u1112\u1161\u11ab", "한"),  # Hangul in its parts, as some systems write it
        ("👩‍🚒", "👩‍🚒"),
        (17, "17"),
        ("x" * 30, "x" * 9 + "…"),
    ],
)
def test_lines(value: Any, text: str | None) -> None:
    assert line(value, 10) == text


def test_paragraphs_keep_their_lines() -> None:
    assert paragraphs(" a \r\n\r\n\r\n\r\n b\u2028c ") == "a\n\nb\nc"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two &amp; three</p>", "One\nTwo & three"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("plain &lt;b&gt;", "plain <b>"),
        ("<style>p{}</style><script>x()</script><!-- c --><p onclick=x>ok", "ok"),
        ("<img src=x onerror=alert(1)>hi<br>there", "hi\nthere"),
        ("&#0;&#xD800;a", "��a"),
        (None, ""),
    ],
)
def test_html_as_a_reader_sees_it(html: str | None, text: str) -> None:
    assert plain_text(html) == text


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "/jobs", "https://a b", "https://u:p@example.com/", "x" * 3000]
)
def test_addresses_a_page_must_not_link_to(url: str) -> None:
    assert web_address(url) is None


def test_pay() -> None:
    pay = salary("60,000", 50_000.126, "usd", "yearly")
    assert pay is not None
    assert (pay.minimum, pay.maximum) == (Decimal("50000.13"), Decimal(60_000))
    assert (pay.currency, pay.interval) == ("USD", "year")
    assert salary(1, 2, "USD", None) is None
    assert salary(float("nan"), float("inf"), "USD", "hour") is None
    hourly = salary(10, None, "$", "hourly")
    assert hourly is not None
    assert (hourly.currency, hourly.yearly_minimum) == (None, Decimal(20_800))


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("Full-Time", "full_time"),
        ("other, parttime", "part_time"),
        (["PER_DIEM", "INTERN"], "internship"),
        ("정규직", "full_time"),
        (None, None),
        (float("nan"), None),
    ],
)
def test_job_types(told: Any, kept: str | None) -> None:
    assert job_type(told) == kept
