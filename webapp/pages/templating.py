"""What templates may use: versioned files, times, prices and words in the reader's language."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from babel.dates import format_datetime
from babel.numbers import format_currency
from flask import Flask, url_for
from markupsafe import Markup, escape

from models.phone import mask
from tasks.segments import KOREA
from tasks.texts import example_words
from webapp.db import settings
from webapp.i18n import LANGUAGES, current_language, language_address
from webapp.pages import choosing, posting_results, words
from webapp.pages.away import away_notice
from webapp.pages.reader import active_count, has_account, is_operator, lacks_zone

STATIC = Path(__file__).parent.parent / "static"
# Without JavaScript nobody knows the reader's zone, so UTC is named.
_MOMENTS = {"en": "d MMM yyyy, HH:mm 'UTC'", "ko": "y년 M월 d일 HH:mm 'UTC'"}
_SECONDS = {"en": "d MMM, HH:mm:ss", "ko": "M월 d일 HH:mm:ss"}


def init_templates(app: Flask) -> None:
    """Add filters and globals."""
    app.jinja_env.filters.update(
        isotime=isotime,
        moment=moment,
        moment_with_seconds=moment_with_seconds,
        price=price,
        linked=linked,
        query=query_string,
        clock=clock,
    )
    app.jinja_env.globals.update(
        active_count=active_count,
        asset=asset,
        away_notice=away_notice,
        can_sign_in=can_sign_in,
        form_address=choosing.address_of,
        example_text=example_text,
        has_account=has_account,
        is_operator=is_operator,
        kind_choices=choosing.choices,
        language_address=language_address,
        lacks_zone=lacks_zone,
        postings_of=posting_results.postings_of,
        in_language=words.in_language,
        short_title_of=words.short_title_of,
        status_word=words.status_word,
        title_of=words.title_of,
        words_of=words.words_of,
        languages=LANGUAGES,
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True

    @app.context_processor
    def _language() -> dict[str, str]:
        return {"language": current_language()}


def can_sign_in() -> bool:
    """Whether phones can be proven here: somebody has to carry the code."""
    return settings().sms_provider != "none"


def example_text() -> str:
    """Return the words of a text as people get it from here, before its link."""
    language = current_language()
    return example_words(language, settings().base_url, KOREA if language == "ko" else None)


def asset(name: str) -> str:
    """Return the address of a static file; it changes with the content."""
    return url_for("static", filename=name, v=_hash(name))


@cache
def _hash(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def query_string(values: Mapping[str, Any]) -> str:
    """Return `?a=1&b=2` of what has a value, or nothing."""
    given = {name: value for name, value in values.items() if value}
    return f"?{urlencode(given)}" if given else ""


def isotime(value: datetime) -> str:
    """Return a time as machines read it."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(value: datetime) -> str:
    """Return a time in words, in UTC; the page's script shows it in the reader's zone."""
    language = current_language()
    return format_datetime(value.astimezone(UTC), _MOMENTS[language], locale=language)


def moment_with_seconds(value: datetime) -> str:
    """Return a time to the second in UTC, which is named beside it."""
    language = current_language()
    return format_datetime(value.astimezone(UTC), _SECONDS[language], locale=language)


def clock(seconds: float) -> str:
    """Return a duration as 0:42 or 1:02:03."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def masked(last_digits: str) -> str:
    """Return a number as it may be shown, never broken over two lines."""
    return mask(last_digits).replace(" ", "\N{NO-BREAK SPACE}")


def price(value: Mapping[str, Any]) -> str:
    """Return {amount, currency} as its country writes it in this language."""
    return format_currency(
        Decimal(str(value["amount"])), str(value["currency"]), locale=current_language()
    )


def linked(text: str, link: str | None) -> Markup:
    """Return a text whose link can be followed."""
    if not link:
        return escape(text)
    anchor = Markup('<a href="{0}">{0}</a>').format(link)
    return anchor.join(escape(part) for part in re.split(re.escape(link), text))
