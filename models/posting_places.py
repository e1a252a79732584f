"""Names of places: what a site, a feed and a person call the same one."""

from __future__ import annotations

import re
from functools import cache

from models.posting_words import words

# By the name that stands for all of them. Korean places have two alphabets and several endings.
_PLACES = {
    "seoul": "서울 서울시 서울특별시",
    "busan": "부산 부산시 부산광역시 pusan",
    "daegu": "대구 대구시 대구광역시 taegu",
    "incheon": "인천 인천시 인천광역시 inchon",
    "gwangju": "광주 광주시 광주광역시 kwangju",
    "daejeon": "대전 대전시 대전광역시 taejon",
    "ulsan": "울산 울산시 울산광역시",
    "sejong": "세종 세종시 세종특별자치시",
    "gyeonggi": "경기 경기도 gyeonggido kyonggi",
    "gangwon": "강원 강원도 강원특별자치도 gangwondo",
    "chungbuk": "충북 충청북도 chungcheongbuk",
    "chungnam": "충남 충청남도 chungcheongnam",
    "jeonbuk": "전북 전라북도 전북특별자치도 jeollabuk",
    "jeonnam": "전남 전라남도 jeollanam",
    "gyeongbuk": "경북 경상북도 gyeongsangbuk",
    "gyeongnam": "경남 경상남도 gyeongsangnam",
    "jeju": "제주 제주도 제주시 제주특별자치도 jejudo cheju",
    "suwon": "수원 수원시",
    "seongnam": "성남 성남시",
    "pangyo": "판교",
    "goyang": "고양 고양시",
    "yongin": "용인 용인시",
    "changwon": "창원 창원시",
    "cheongju": "청주 청주시",
    "jeonju": "전주 전주시",
    "pohang": "포항 포항시",
    "gangnam": "강남 강남구",
    "seocho": "서초 서초구",
    "mapo": "마포 마포구",
    "yeouido": "여의도",
    "seongsu": "성수 성수동",
    "haeundae": "해운대 해운대구",
}
_STANDS_FOR = {name: name for name in _PLACES} | {
    other: name for name, others in _PLACES.items() for other in others.split()
}
# The widest first: sites differ in how far they go into detail.
_REGIONS = frozenset(list(_PLACES)[:17])
_COUNTRIES = {"usa": "US", "uk": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
              "korea": "KR", "republic of korea": "KR", "한국": "KR", "대한민국": "KR",
              "uae": "AE", "czech republic": "CZ", "turkey": "TR"}  # fmt: skip
_AROUND = re.compile(r"\b(greater|metropolitan|metro|area|city of)\b", re.IGNORECASE)
_REMOTE = re.compile(r"\bremote\b|work from home|home ?office|원격|재택", re.IGNORECASE)


def place_words(location: str) -> list[str]:
    """Return the words of a place, with the name that stands for each that has several."""
    found = words(location)
    return list(dict.fromkeys([*found, *(_STANDS_FOR[w] for w in found if w in _STANDS_FOR)]))


def asked_place(location: str) -> tuple[list[str], str | None]:
    """Return which words a place must have that fits `location`, and its country's code."""
    parts = [part.strip() for part in location.split(",") if part.strip()]
    country = country_code(parts[-1]) if parts else None
    if country is not None:
        parts.pop()
    found = words(_AROUND.sub(" ", " ".join(parts)))
    return list(dict.fromkeys(_STANDS_FOR.get(word, word) for word in found)), country


def place_key(location: str | None) -> str:
    """Return what is equal for the same place however far it is spelt out."""
    if not location:
        return ""
    for word in place_words(location):
        if word in _REGIONS:
            return word
    if is_remote_place(location):
        return "remote"
    first = location.split(",")[0]
    return " ".join(words(_AROUND.sub(" ", first)))


def korean_place(location: str) -> str | None:
    """Return Korea's code for a place there, or None."""
    return "KR" if any(word in _STANDS_FOR for word in words(location)) else None


def is_remote_place(text: str) -> bool:
    """Tell whether a place, or a title, says that the work can be done from anywhere."""
    return _REMOTE.search(text) is not None


def country_code(name: str) -> str | None:
    """Return the code of a country by its English or Korean name or code, or None."""
    return _countries().get(name.strip().casefold())


def country_name(code: str) -> str | None:
    """Return the English name of a country by its code, or None."""
    from babel import Locale

    return Locale("en").territories.get(code)


@cache
def _countries() -> dict[str, str]:
    from babel import Locale

    found = {}
    for language in ("en", "ko"):
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha():  # not the numbers of continents
                found[name.casefold()] = code
                found[code.casefold()] = code
    return found | _COUNTRIES
