"""What sites send, made fit to be kept and shown: whatever is odd in it spoils nothing."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from models.posting import MOST_MONEY, PAID_A_YEAR, Salary

MOST_TITLE = 300  # characters
MOST_NAME = 200
MOST_URL = 2048
MOST_DESCRIPTION = 10_000

# Joiners that letters of some scripts, and some emoji, need; other invisible signs only mislead.
_JOINERS = "\u200c\u200d"
_MANY_LINES = re.compile(r"\n{3,}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_INTERVALS = {
    "hourly": "hour", "hr": "hour", "daily": "day", "weekly": "week", "monthly": "month",
    "yearly": "year", "annual": "year", "annually": "year",
} | {name: name for name in PAID_A_YEAR}  # fmt: skip
_JOB_TYPES = {
    "fulltime": "full_time", "permanent": "full_time", "parttime": "part_time",
    "contract": "contract", "contractor": "contract", "temporary": "contract",
    "freelance": "contract", "internship": "internship", "intern": "internship",
    "정규직": "full_time", "계약직": "contract", "인턴": "internship", "아르바이트": "part_time",
}  # fmt: skip


def line(value: Any, most: int = MOST_NAME) -> str | None:
    """Return a value as one line of at most `most` characters, or None when nothing is in it."""
    text = _visible(value)
    return _cut(" ".join(text.split()), most) or None


def paragraphs(value: Any, most: int = MOST_DESCRIPTION) -> str:
    """Return a text of several lines, without spaces at their ends and long gaps between them."""
    lines = (" ".join(part.split()) for part in _visible(value).splitlines())
    return _cut(_MANY_LINES.sub("\n\n", "\n".join(lines)).strip(), most)


def web_address(value: Any) -> str | None:
    """Return an http or https address that a page may link to, or None."""
    text = line(value, MOST_URL + 1)
    if text is None or len(text) > MOST_URL or " " in text:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    is_web = parts.scheme in ("http", "https") and parts.hostname and parts.username is None
    return text if is_web else None


def salary(least: Any, most: Any, currency: Any, interval: Any) -> Salary | None:
    """Return what is paid, or None where the amounts or the interval are not known."""
    minimum, maximum = _amount(least), _amount(most)
    every = _INTERVALS.get(str(interval).lower())
    if every is None or (minimum is None and maximum is None):
        return None
    if minimum is not None and maximum is not None and minimum > maximum:
        minimum, maximum = maximum, minimum
    code = (line(currency) or "").upper()
    return Salary(minimum, maximum, code if _CURRENCY.fullmatch(code) else None, every)


def job_type(value: Any) -> str | None:
    """Return the first job type that a text or a list of texts names, or None."""
    texts = value if isinstance(value, list | tuple) else str(value).split(",")
    for text in texts:
        plain = re.sub(r"[\W_]", "", str(text)).lower()
        if plain in _JOB_TYPES:
            return _JOB_TYPES[plain]
    return None


def is_missing(value: Any) -> bool:
    """Tell whether a value is one of the many that stand for none: None, NaN, NaT and NA."""
    try:
        return value is None or bool(value != value)  # noqa: PLR0124 - what sets them apart
    except TypeError:
        return True  # NA will not even say whether it differs from itself


def _visible(value: Any) -> str:
    """Return the text of a value without NUL, lone surrogates and signs nobody can see."""
    if is_missing(value):
        return ""
    text = str(value).encode("utf-8", "ignore").decode()
    return "".join(
        character
        for character in unicodedata.normalize("NFC", text)
        if character in _JOINERS
        or character.isspace()
        or (
            unicodedata.category(character) not in ("Cc", "Cf", "Co")
            and ord(character) & 0xFFFE != 0xFFFE  # a noncharacter
        )
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _amount(value: Any) -> Decimal | None:
    if is_missing(value) or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value).replace(",", "").strip())
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 < amount <= MOST_MONEY:
        return None
    return amount.quantize(Decimal("0.01"))
