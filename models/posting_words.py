"""Words as postings are searched by: the same for a text that is kept and for what is asked."""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from itertools import pairwise

_WORD = re.compile(r"\w+")
# Signs that make another word: C, C++ and C# are three languages.
_SIGNS = (("++", "plusplus "), ("#", "sharp "))
_HANGUL = re.compile(r"[가-힣]+")


def words(text: str) -> list[str]:
    """Return the words of a text in order, in one spelling of Unicode and in small letters."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    for sign, word in _SIGNS:
        plain = plain.replace(sign, word)
    return _WORD.findall(plain)


def title_words(title: str) -> list[str]:
    """Return the words of a title, and each two Korean ones as one: people write them both ways."""
    found = words(title)
    pairs = [
        one + other
        for one, other in pairwise(found)
        if _HANGUL.fullmatch(one) and _HANGUL.fullmatch(other)
    ]
    return [*found, *pairs]


class Fit(IntEnum):
    """How much of what was asked a title has; the less, the better."""

    PHRASE = 0
    ALL_WORDS = 1
    SOME_WORDS = 2
    NO_WORD = 3


def title_fit(asked: str, title: str) -> Fit:
    """Return how well a title fits: its words are compared whole, Korean ones also in part."""
    wanted, found = words(asked), words(title)
    spots = range(len(found) - len(wanted) + 1)
    if any(all(map(_is_same, wanted, found[spot:])) for spot in spots):
        return Fit.PHRASE
    # Written as one where the other writes several: front end, 웹 개발자.
    written = title_words(title)
    if any(_is_same("".join(wanted), word) for word in written):
        return Fit.PHRASE
    has = [any(_is_same(want, word) for word in written) for want in wanted]
    if all(has):
        return Fit.ALL_WORDS
    return Fit.SOME_WORDS if any(has) else Fit.NO_WORD


def _is_same(wanted: str, word: str) -> bool:
    """Whether a word is the wanted one, in the plural too, or a Korean one that has it inside."""
    if wanted == word or (_HANGUL.fullmatch(wanted) and wanted in word):
        return True
    short, long = sorted((wanted, word), key=len)
    return long in (f"{short}s", f"{short}es")
