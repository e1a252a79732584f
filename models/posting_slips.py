"""A slip in the name of a place: which of the places that are known was meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

# How many letters may be wrong, by how many there are; of a short name none, or all were alike.
_LEAST_LETTERS = 4
_LONG_LETTERS = 8


def meant_words(asked: Iterable[str], known: Mapping[str, int]) -> list[str] | None:
    """Return the words of a place with each that nobody knows replaced by the one it resembles.

    Args:
        asked: words as `posting_words.words` returns them.
        known: words of places, with how many postings have each.

    Returns:
        None if each of them is known, or if one resembles none.
    """
    found = []
    for word in asked:
        meant = _meant(word, known)
        if meant is None:
            return None
        found.append(meant)
    return None if found == list(asked) else found


def spelt(words: Iterable[str], locations: Iterable[str | None]) -> str:
    """Return the words of a place as the first location that has each writes it."""
    written = {
        part.casefold(): part
        for location in reversed(list(locations))
        for part in (location or "").replace(",", " ").split()
    }
    return " ".join(written.get(word, word.capitalize()) for word in words)


def _meant(word: str, known: Mapping[str, int]) -> str | None:
    # A search takes a word for the beginning of one.
    if any(other.startswith(word) for other in known):
        return word
    letters = _letters(word)
    most = (len(letters) >= _LEAST_LETTERS) + (len(letters) >= _LONG_LETTERS)
    near = []
    for other, count in known.items():
        others = _letters(other)
        if abs(len(others) - len(letters)) <= most and min(map(len, (letters, others))) > most:
            near.append((_slips(letters, others), -count, other))
    slips, _, nearest = min(near, default=(most + 1, 0, ""))
    return nearest if slips <= most else None


def _letters(word: str) -> str:
    """Return a word letter by letter: of a Korean syllable, too, one may be wrong."""
    return unicodedata.normalize("NFD", word)


def _slips(one: str, other: str) -> int:
    """Return how many letters are wrong, left out, too many, or changed places with the next."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, another in enumerate(other, 1):
            cost = min(
                above[column] + 1, line[column - 1] + 1, above[column - 1] + (letter != another)
            )
            is_swap = (
                row > 1 and column > 1 and one[row - 2 : row] == other[column - 2 : column][::-1]
            )
            line.append(min(cost, before[column - 2] + 1) if is_swap else cost)
        before, above = above, line
    return above[-1]
