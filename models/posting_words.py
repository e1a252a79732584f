"""Words as postings are searched by: the same for a text that is kept and for what is asked."""

from __future__ import annotations

import re
import unicodedata
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
