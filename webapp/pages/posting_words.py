"""Postings in words: pay, age and type as the reader's language writes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from babel.dates import format_date, format_timedelta
from babel.numbers import (
    UnknownCurrencyError,
    format_compact_currency,
    format_currency,
    format_decimal,
)
from flask_babel import gettext, ngettext

from webapp.i18n import current_language
from webapp.pages.reader import zone_of_reader

_DAYS = {"en": "d MMM yyyy", "ko": "y년 M월 d일"}
# From here on an age is a date.
_OLD = timedelta(days=30)
# Koreans count pay in units of ten thousand, and ten thousand of these are one of the next.
_MAN = 10_000
_MANY = 1_000_000
_DAY_HOURS = 24


def job_types() -> dict[str, str]:
    """Return the types of job by their name in params and results."""
    return {
        "full_time": gettext("Full time"),
        "part_time": gettext("Part time"),
        "contract": gettext("Contract"),
        "internship": gettext("Internship"),
    }


def age_words(hours: int) -> str:
    """Return `Last 3 days` of how old a posting may be."""
    if hours % _DAY_HOURS or hours == _DAY_HOURS:
        return ngettext("Last %(num)s hour", "Last %(num)s hours", hours)
    if hours == 7 * _DAY_HOURS:
        return gettext("Last week")
    return ngettext("Last %(num)s day", "Last %(num)s days", hours // _DAY_HOURS)


def number_words(number: int) -> str:
    """Return how many postings of each site are wanted."""
    return gettext("At most %(num)s", num=number)


def distance_words(km: int) -> str:
    """Return how far from its place a posting may be."""
    return gettext("Within %(km)s km", km=km)


def salary(value: Mapping[str, Any]) -> str:
    """Return `£50,000–£60,000 a year` or `연 6,000만~8,000만 원` of a posting's pay."""
    low, high = _amount(value.get("min")), _amount(value.get("max"))
    currency = str(value.get("currency") or "")
    if low is None and high is None:
        return ""
    if low is not None and high is not None and low != high:
        words = _range(low, high, currency)
    elif low is None:
        words = gettext("up to %(amount)s", amount=_money(high, currency))
    elif high is None:
        words = gettext("from %(amount)s", amount=_money(low, currency))
    else:
        words = _money(low, currency)
    every = {
        "year": gettext("%(amount)s a year", amount=words),
        "month": gettext("%(amount)s a month", amount=words),
        "week": gettext("%(amount)s a week", amount=words),
        "day": gettext("%(amount)s a day", amount=words),
        "hour": gettext("%(amount)s an hour", amount=words),
    }
    return every.get(str(value.get("interval")), words)


def posted(day: date, now: datetime) -> str:
    """Return `Today`, `3 days ago`, or the date of what is older than a month.

    Args:
        day: of the posting.
        now: which day it is for the reader is told by their zone.
    """
    days = max(0, (now.astimezone(zone_of_reader()).date() - day).days)
    if days == 0:
        return gettext("Today")
    if timedelta(days=days) >= _OLD:
        return day_words(day)
    return format_timedelta(
        timedelta(days=-days), granularity="day", threshold=1e9, add_direction=True,
        locale=current_language(),
    )  # fmt: skip


def ago(moment: datetime) -> str:
    """Return `3 hours ago`, or the date of what is older than a month."""
    passed = max(timedelta(), datetime.now(UTC) - moment)
    if passed >= _OLD:
        return day_words(moment.astimezone(zone_of_reader()).date())
    if passed < timedelta(minutes=1):
        return gettext("just now")
    return format_timedelta(
        -passed, granularity="minute", threshold=1, add_direction=True, locale=current_language()
    )


def day_words(day: date) -> str:
    """Return a date as all pages write it: `7 Oct 2026`."""
    language = current_language()
    return format_date(day, _DAYS[language], locale=language)


def _amount(value: Any) -> Decimal | None:
    try:
        amount = None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() else None


def _range(low: Decimal, high: Decimal, currency: str) -> str:
    if _is_man(low, currency) and _is_man(high, currency):
        return gettext("%(low)s–%(high)s", low=_man(low), high=f"{_man(high)} 원")
    return gettext("%(low)s–%(high)s", low=_money(low, currency), high=_money(high, currency))


def _money(amount: Decimal | None, currency: str) -> str:
    assert amount is not None  # noqa: S101 - asked of an amount there is
    if _is_man(amount, currency):
        return f"{_man(amount)} 원"
    language = current_language()
    if not currency:
        return format_decimal(amount, locale=language)
    try:
        if amount >= _MANY:
            return format_compact_currency(amount, currency, locale=language, fraction_digits=1)
        if amount == amount.to_integral_value():
            return format_currency(
                amount, currency, "¤#,##0", locale=language, currency_digits=False
            )
        return format_currency(amount, currency, locale=language)
    except UnknownCurrencyError:
        return f"{format_decimal(amount, locale=language)} {currency}"


def _is_man(amount: Decimal, currency: str) -> bool:
    return (
        currency == "KRW" and current_language() == "ko" and amount >= _MAN and amount % _MAN == 0
    )


def _man(amount: Decimal) -> str:
    """Return `7,500만`, `1억` or `1억 1,000만`, as pay is read in Korea."""
    many, man = divmod(int(amount / _MAN), _MAN)
    words = [
        f"{format_decimal(number, locale='ko')}{unit}"
        for number, unit in ((many, "억"), (man, "만"))
        if number
    ]
    return " ".join(words)
