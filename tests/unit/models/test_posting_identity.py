"""When two postings are the same one, and when two places are."""

from __future__ import annotations

import pytest

from models.posting import NewPosting
from models.posting_identity import address, identity
from models.posting_places import asked_place, country_code, place_key, place_words
from models.posting_slips import meant_words
from models.posting_words import Fit, title_fit, title_words, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Backend Developer", "Larkfield Ltd.", "London"),
         ("backend developer (m/w/d)", "LARKFIELD", "London, England, UK")),
        (("백엔드 개발자", "(주)달무리소프트", "서울 강남구"),
         ("백엔드개발자", "달무리소프트 주식회사", "Gangnam-gu, Seoul, South Korea")),
        (("Ｎｕｒｓｅ", "Larkfield", None), ("nurse", "Larkfield Inc", "")),
        (("Cook", "Potfield", "Remote, US"), ("Cook", "Potfield", "Remote")),
    ],
)  # fmt: skip
def test_the_same_posting_spelt_in_two_ways(one: tuple, other: tuple) -> None:  # type: ignore[type-arg]
    keys = {
        identity(NewPosting(title=title, company=company, location=place), site)
        for site, (title, company, place) in (("indeed", one), ("linkedin", other))
    }
    assert len(keys) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"title": "Senior cook"},
        {"company": "Panfield"},
        {"location": "Busan"},
        {"title": "C cook"},
    ],
)
def test_what_makes_another_posting(other: dict[str, str]) -> None:
    told = {"title": "C++ cook", "company": "Potfield", "location": "Seoul"}
    assert identity(NewPosting(**told), "a") != identity(NewPosting(**told | other), "a")


def test_without_a_company_only_the_same_address_on_the_same_site_counts() -> None:
    def key(site: str, url: str | None) -> str:
        return identity(NewPosting(title="Cook", url=url), site)

    assert key("a", "https://example.com/1") == key("a", "https://example.com/1?utm_source=x#top")
    assert key("a", "https://example.com/1") != key("a", "https://example.com/2")
    assert key("a", "https://example.com/1") != key("b", "https://example.com/1")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://Example.com/jobs/1/?utm_source=a&b=2&gclid=3#x", "https://example.com/jobs/1?b=2"),
        ("https://example.com:8080/?id=1", "https://example.com:8080?id=1"),
        ("https://example.com/", None),
        ("https://example.com", None),
        ("https://[", None),
        (None, None),
    ],
)
def test_addresses_lead_somewhere(url: str | None, told: str | None) -> None:
    assert address(url) == told


@pytest.mark.parametrize(
    ("location", "asked", "country"),
    [
        ("서울특별시", ["seoul"], None),
        ("Seoul, South Korea", ["seoul"], "KR"),
        ("인천, 대한민국", ["incheon"], "KR"),
        ("South Korea", [], "KR"),
        ("London, UK", ["london"], "GB"),
        ("Greater Boston Area", ["boston"], None),
        ("", [], None),
    ],
)
def test_places_as_people_write_them(location: str, asked: list[str], country: str | None) -> None:
    assert asked_place(location) == (asked, country)


def test_places_have_both_alphabets() -> None:
    assert {"seoul", "gangnam"} <= set(place_words("서울 강남구"))
    assert place_key("서울 강남구") == place_key("Gangnam-gu, Seoul") == "seoul"
    assert country_code("Türkiye") == country_code("turkey") == "TR"
    assert country_code("Atlantis") is None


def test_words_keep_languages_apart() -> None:
    assert len({*words("C"), *words("C++"), *words("C#")}) == 3
    assert words("!?") == []
    assert "백엔드개발자" in title_words("백엔드 개발자 (Python)")


@pytest.mark.parametrize(
    ("asked", "title", "fit"),
    [
        ("data engineer", "Data engineer at Acme", Fit.PHRASE),
        ("data engineers", "Senior Data Engineer", Fit.PHRASE),
        ("front end", "Frontend developer", Fit.PHRASE),
        ("백엔드개발자", "백엔드 개발자 (Python)", Fit.PHRASE),
        ("웹 개발자", "웹개발자 신입 채용", Fit.PHRASE),
        ("간호", "병동 간호사", Fit.PHRASE),
        ("data engineer", "Engineer, data", Fit.ALL_WORDS),
        ("개발자 백엔드", "시니어 백엔드 개발자", Fit.ALL_WORDS),
        ("data engineer", "Database engineer", Fit.SOME_WORDS),
        ("data engineer", "Civil engineer", Fit.SOME_WORDS),
        ("바리스터", "바리스타", Fit.NO_WORD),
    ],
)
def test_how_well_a_title_fits(asked: str, title: str, fit: Fit) -> None:
    assert title_fit(asked, title) == fit


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("lodnon", "london"),
        ("londn", "london"),
        ("new yrok", "new york"),
        ("manchestre", "manchester"),
        ("서을", "서울"),
        ("부싼", "부산"),
        ("london", None),  # known
        ("lond", None),  # the beginning of one
        ("ulaanbaatar", None),
        ("new atlantis", None),
        ("yok", None),  # too short to resemble anything
    ],
)
def test_which_place_was_meant(asked: str, meant: str | None) -> None:
    """One letter wrong, of a long name two; a Korean syllable has several letters."""
    known = dict.fromkeys(["london", "new", "york", "manchester", "서울", "부산"], 1)
    assert meant_words(asked.split(), known) == (meant and meant.split())
