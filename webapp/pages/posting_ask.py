"""The form for job postings: what and where, and behind a word what few people choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Request
from flask_babel import gettext, ngettext

from tasks.fetch import FetchError, check_url
from tasks.submission import InvalidParamsError
from webapp.pages.ask import Ask, fields_refused
from webapp.pages.choosing import POSTING_SEARCH
from webapp.pages.words import job_error
from webapp.resources.schemas import is_odd_text

LONGEST = 120
MOST_FEEDS = 5
DISTANCES_KM = (5, 10, 25, 50, 100)
AGES_HOURS = (24, 72, 168)


@dataclass
class PostingAsk(Ask):
    """What the form for postings holds, as it was typed.

    Attributes:
        job_country: to look in, as an ISO code; `country` is that of the phone.
        feeds: addresses, one a line.
    """

    job_title: str = ""
    location: str = ""
    is_remote: bool = False
    job_type: str = ""
    hours_old: str = ""
    distance_km: str = ""
    job_country: str = ""
    sites: list[str] = field(default_factory=list)
    feeds: str = ""

    @classmethod
    def read(cls, request: Request) -> PostingAsk:
        """Read a sent form and check all that can be checked without the database."""
        typed = request.form
        ask = cls(
            job_title=typed.get("job_title", "").strip(),
            location=typed.get("location", "").strip(),
            is_remote="is_remote" in typed,
            job_type=typed.get("job_type", ""),
            hours_old=typed.get("hours_old", ""),
            distance_km=typed.get("distance_km", ""),
            job_country=typed.get("job_country", ""),
            sites=typed.getlist("sites"),
            feeds=typed.get("feeds", "").strip(),
        )
        ask.read_contact(request)
        ask._check()
        return ask

    @classmethod
    def like(cls, params: Mapping[str, Any]) -> PostingAsk:
        """Return the form filled in as an earlier search asked."""

        def word(name: str) -> str:
            value = params.get(name)
            return str(value) if isinstance(value, str | int) else ""

        def words(name: str) -> list[str]:
            value = params.get(name)
            return [str(one) for one in value] if isinstance(value, list) else []

        return cls.empty(
            job_title=word("job_title"),
            location=word("location"),
            is_remote=params.get("is_remote") is True,
            job_type=word("job_type"),
            hours_old=word("hours_old"),
            distance_km=word("distance_km"),
            job_country=word("country"),
            sites=words("sites"),
            feeds="\n".join(words("feeds")),
        )

    @property
    def kind(self) -> str:
        """Return the kind of search that the form is for."""
        return POSTING_SEARCH

    @property
    def has_more(self) -> bool:
        """Whether anything is chosen, or wrong, of what is behind a word."""
        return bool(
            self.is_remote
            or self.job_type
            or self.hours_old
            or self.distance_km
            or self.job_country
            or self.sites
            or self.feeds
            or self.errors.keys() - {"job_title", "location", "phone", "form"}
        )

    @property
    def feed_list(self) -> list[str]:
        """Return the addresses that were typed."""
        return [line for line in map(str.strip, self.feeds.splitlines()) if line]

    def asked(self) -> dict[str, Any]:
        """Return all that is asked."""
        return self.params()

    def params(self) -> dict[str, Any]:
        """Return the params of the job; what was left open is left out."""
        given = {
            "job_title": self.job_title,
            "location": self.location,
            "is_remote": self.is_remote,
            "job_type": self.job_type,
            "hours_old": self.hours_old,
            "distance_km": self.distance_km,
            "country": self.job_country,
            "sites": self.sites,
            "feeds": self.feed_list,
        }
        return {name: value for name, value in given.items() if value}

    def refuse(self, error: InvalidParamsError) -> None:
        """Put what the kind refused beside its fields, in the reader's language."""
        sentences = {
            "job_title": gettext("Say what job you are looking for."),
            "location": _too_long(),
            "job_type": _from_the_list(),
            "hours_old": _from_the_list(),
            "distance_km": _from_the_list(),
            "country": _from_the_list(),
            "sites": gettext("One of these sites is not asked any more."),
            "feeds": " ".join(job_error("url_invalid", None)),
        }
        for name, _, message in fields_refused(error):
            known = name in sentences
            field_name = "job_country" if name == "country" else name
            self.errors[field_name if known else "form"] = sentences.get(name, message)

    def _check(self) -> None:
        if not self.job_title:
            self.errors["job_title"] = gettext("Say what job you are looking for.")
        for name in ("job_title", "location"):
            typed = getattr(self, name)
            if is_odd_text(typed):
                self.errors[name] = gettext("A sign in it cannot be read. Type it anew, please.")
            elif len(typed) > LONGEST:
                self.errors[name] = _too_long()
        if any(map(is_odd_text, (self.job_type, self.hours_old, self.distance_km))):
            self.errors["form"] = _from_the_list()
        if is_odd_text(self.job_country) or any(map(is_odd_text, self.sites)):
            self.errors["form"] = _from_the_list()
        for number, feed in enumerate(self.feed_list, 1):
            try:
                check_url(feed)
            except FetchError as error:
                why, _ = job_error(error.code, error.message)
                said = gettext("Line %(number)s: %(why)s", number=number, why=why)
                self.errors.setdefault("feeds", said)
        if len(self.feed_list) > MOST_FEEDS:
            self.errors["feeds"] = ngettext(
                "At most %(num)s address, please.",
                "At most %(num)s addresses, please.",
                MOST_FEEDS,
            )


def _too_long() -> str:
    return ngettext(
        "At most %(num)s character, please.", "At most %(num)s characters, please.", LONGEST
    )


def _from_the_list() -> str:
    return gettext("Choose one of the list, please.")
