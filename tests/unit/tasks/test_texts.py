"""The words of a text."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.about import MOST_WORDS, clean
from tasks.segments import Encoding, segments
from tasks.texts import LOCALES, text_body

LINK = "https://t.example/r/" + "x" * 22
COUNTRIES = (None, "US", "KR")


@pytest.mark.parametrize("country", COUNTRIES)
@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(("succeeded", "count"), [(True, 24), (True, 1), (True, 0), (True, None),
                                                  (False, None)])  # fmt: skip
def test_a_text_fits_one_segment_and_carries_the_link(
    locale: str, succeeded: bool, count: int | None, country: str | None
) -> None:
    """160 characters in English; 70 in Korean, less the carriers' eight in Korea, and EUC-KR's.

    Demand: 000-11
    """
    for about in (None, "Dresses, Bags", "원피스, 가방", "an unusually long-winded wish"):
        body = text_body(
            locale=locale,
            succeeded=succeeded,
            result_count=count,
            link=LINK,
            about=about,
            country=country,
        )
        assert body.endswith(LINK)
        assert body.count(LINK) == 1
        assert segments(body, country).count == 1
        if country == "KR":
            assert body.encode("euc-kr")
        if count is not None and count > 1:
            assert str(count) in body


def test_english_stays_in_the_alphabet_of_texts() -> None:
    """One character more would leave 70 of 160."""
    body = text_body(locale="en", succeeded=True, result_count=24, link=LINK, about="Dresses, Bags")
    assert body == f"Textback found 24 results: Dresses, Bags. {LINK}"
    assert segments(body, "US").encoding is Encoding.GSM_7


def test_korean_says_what_was_searched_in_one_segment() -> None:
    """Room for the name goes first, then for the end of a long word, then for what it was about."""

    def body(about: str, link: str = LINK) -> str:
        return text_body(
            locale="ko", succeeded=True, result_count=24, link=link, about=about, country="KR"
        )

    longer = LINK.replace("t.", "search.")
    assert body("가방") == f"Textback 가방 결과 24건 {LINK}"
    assert body("가방", longer) == f"가방 결과 24건 {longer}"
    assert body("아주아주아주아주긴원피스", longer) == f"아주아주아주아주긴… 24건 {longer}"
    farther = LINK.replace("t.", "searching-here.")
    assert body("가방", farther) == f"가방 24건 {farther}"
    assert body("아주아주아주아주긴원피스", farther) == f"결과 24건 {farther}"


@pytest.mark.parametrize(
    "base", ["https://t.example", "http://127.0.0.1:8000", "https://a.example.com"]
)
@pytest.mark.parametrize(
    "more",
    [{}, {"new_count": 12}, {"new_count": 0}, {"is_first": True}, {"result_count": 0}],
)
def test_a_title_and_a_place_are_not_cut_in_korea(base: str, more: dict[str, Any]) -> None:
    """As long as an address of everyday length leaves room; other words go first."""
    link = f"{base}/r/{'x' * 22}"
    given: dict[str, Any] = {"result_count": 24, **more}
    body = text_body(
        locale="ko", succeeded=True, link=link, about="간호사, 서울", country="KR", **given
    )
    assert "간호사, 서울 " in body and "…" not in body
    assert segments(body, "KR").count == 1


def test_an_unknown_language_is_english() -> None:
    """A row from an older release may carry another locale."""
    assert text_body(locale="xx", succeeded=True, result_count=1, link=LINK).startswith("Textback")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("see evil.com/x now", "see evil com"),
        ("https://evil.example", "https evil example"),
        ("evil\u200b.com", "evil com"),
        ("evil．com", "evil com"),
        ("evil。com", "evil com"),
        ("me@evil.example", "me evil example"),
        ("1.5 litres", "1.5 litres"),
        ("10.0.0.1", "10 0 0"),
        ("a\x00b\x1b[31m c\nd\re", "ab[31m c d"),
        ("\u202egab", "gab"),
        (" , . ", None),
        ("", None),
    ],
)
def test_what_a_kind_says_never_makes_a_link(said: str, kept: str | None) -> None:
    """Three words at most, no control characters, nothing that a phone would open."""
    assert clean(said) == kept


@given(st.text(max_size=200), st.sampled_from(LOCALES), st.sampled_from(COUNTRIES))
def test_whatever_a_kind_says_the_text_is_one_segment_with_one_link(
    said: str, locale: str, country: str | None
) -> None:
    """Any characters at all, from a kind of somebody else's."""
    about = clean(said)
    body = text_body(
        locale=locale, succeeded=True, result_count=60, link=LINK, about=about, country=country
    )
    words = body.removesuffix(LINK)
    assert body.endswith(" " + LINK)
    assert segments(body, country).count == 1
    assert not any(unicodedata.category(character)[0] == "C" for character in words)
    assert not re.search(r"\S[./@\\。]\S", re.sub(r"\d+\.\d+", "", words))
    assert about is None or len(about.split()) <= MOST_WORDS
    assert not any(0xD800 <= ord(character) <= 0xDFFF for character in body)
    if country == "KR":
        assert all(len(character.encode("euc-kr")) <= 2 for character in body)


@pytest.mark.parametrize("country", COUNTRIES)
@pytest.mark.parametrize(
    ("locale", "new", "words"),
    [
        ("en", 3, "3 new of 24"), ("en", 0, "othing new"), ("ko", 3, "새 결과 3건"),
        ("ko", 0, "새 결과 없음"),
    ],
)  # fmt: skip
def test_a_run_of_a_saved_search_says_what_is_new(
    locale: str, new: int, words: str, country: str | None
) -> None:
    """In one segment as well."""
    body = text_body(
        locale=locale, succeeded=True, result_count=24, new_count=new, link=LINK,
        about="Barista, Seoul" if locale == "en" else "바리스타, 서울", country=country,
    )  # fmt: skip
    assert words in body
    assert segments(body, country).count == 1


@pytest.mark.parametrize("locale", LOCALES)
def test_a_search_that_keeps_failing_says_that_it_rests(locale: str) -> None:
    """Once, when it is paused."""
    body = text_body(
        locale=locale, succeeded=False, result_count=None, link=LINK, country="KR", is_paused=True
    )
    assert {"en": "paused", "ko": "멈춤"}[locale] in body.lower()
    assert body.encode("euc-kr")
    assert segments(body, "KR").count == 1
