"""In how many segments a text goes, and with which characters: each segment costs one text.

Source:
    3GPP TS 23.038, sections 6.2.1 and 6.2.1.1, for the alphabet; Twilio's guideline for Korea, for
    the carriers' mark before a text and their characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each goes as an escape and a second septet, which stay together.
GSM_EXTENSION = frozenset("\f^{}\\[~]|€")

KOREA = "KR"
# `[Web발신]` or `[국제발신]` and the end of its line, put before the text by the carriers.
KOREAN_MARK = 8
_TWO_BYTES = 2  # EUC-KR writes syllables that KS X 1001 lacks in eight


class Encoding(StrEnum):
    """How the characters of a text travel."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


# What fits: in a text of one segment, and in each segment of a longer one.
ROOM = {Encoding.GSM_7: (160, 153), Encoding.UCS_2: (70, 67)}


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text takes up.

    Attributes:
        encoding: of all its segments; one character beyond GSM-7 moves the whole text.
        count: how many there are.
        left: how many more units fit into the last one: septets, or halves of UTF-16.
    """

    encoding: Encoding
    count: int
    left: int


def segments(body: str, country: str | None = None) -> Segments:
    """Count the segments of a text.

    Args:
        body: the text.
        country: of the number it goes to, e.g. KR, where the carriers put their mark before it.
    """
    is_korean = country == KOREA
    is_plain = not is_korean and all(c in GSM_BASIC or c in GSM_EXTENSION for c in body)
    encoding = Encoding.GSM_7 if is_plain else Encoding.UCS_2
    widths = [1] * KOREAN_MARK if is_korean else []
    widths += [_width(character, encoding) for character in body]
    single, each = ROOM[encoding]
    used = sum(widths)
    if used <= single:
        return Segments(encoding, 1, single - used)
    count, last = _pack(widths, each)
    return Segments(encoding, count, each - last)


def _width(character: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM_7:
        return 2 if character in GSM_EXTENSION else 1
    return len(character.encode("utf-16-le", "surrogatepass")) // 2


def _pack(widths: Iterable[int], each: int) -> tuple[int, int]:
    """Return (segments, units in the last): what is two units wide never lies across a border."""
    count, last = 1, 0
    for width in widths:
        if last + width > each:
            count, last = count + 1, 0
        last += width
    return count, last


def writable(text: str, country: str | None = None) -> str:
    """Return a text as the phones of a country can show it.

    Without control characters, in composed form; for Korea what EUC-KR cannot write is replaced by
    the letters beneath its accent, by `?`, or by nothing if it was no letter, as an emoji.
    """
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(c for c in composed if c == "\n" or unicodedata.category(c)[0] != "C")
    return "".join(map(_korean, kept)) if country == KOREA else kept


def _korean(character: str) -> str:
    if _has_euc_kr(character):
        return character
    parts = unicodedata.normalize("NFKD", character)
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    if plain.isalnum() and all(map(_has_euc_kr, plain)):
        return plain
    return "?" if character.isalnum() else ""


def _has_euc_kr(character: str) -> bool:
    try:
        return len(character.encode("euc_kr")) <= _TWO_BYTES
    except UnicodeEncodeError:
        return False
