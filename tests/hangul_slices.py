"""The slices of the Korean font, as the style sheet of the pages names them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

STATIC = Path(__file__).parents[1] / "webapp" / "static"
MAKE_ANEW = "make the slices anew with scripts/build_hangul_font.py, whose first lines say how"


def addresses() -> dict[str, str]:
    """Return the address of each slice by its name."""
    return {Path(address).stem: address for address, _ in _rules()}


def slices() -> dict[str, list[str]]:
    """Return the letters for which a browser loads each slice, by its name."""
    return {Path(address).stem: letters for address, letters in _rules()}


def expect(texts: Iterable[str], letters: list[str]) -> None:
    """See that these letters hold all the Hangul of texts."""
    missing = set(re.findall("[가-힣]", "".join(texts))) - set(letters)
    assert not missing, f"no slice to be loaded has {''.join(sorted(missing))}; {MAKE_ANEW}"


def _rules() -> list[tuple[str, list[str]]]:
    style_sheet = (STATIC / "css" / "hangul.css").read_text("utf-8")
    rules = re.findall(r'src: url\("([^"]+)"\)[^}]*unicode-range: ([^;]+);', style_sheet)
    assert len(rules) == style_sheet.count("@font-face")
    return [(address, _letters(ranges)) for address, ranges in rules]


def _letters(ranges: str) -> list[str]:
    found = re.findall(r"U\+(\w+)(?:-(\w+))?", ranges)
    return [
        chr(code)
        for first, last in found
        for code in range(int(first, 16), int(last or first, 16) + 1)
    ]
