"""The form for job postings: what and where, and behind a word what few people choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Request
from flask_babel import gettext, ngettext

from models.posting_sites import FEED
from tasks.fetch import FetchError, check_url
from tasks.submission import InvalidParamsError
from webapp.db import settings
from webapp.pages.ask import Ask, fields_refused
from webapp.pages.choosing import POSTING_SEARCH
from webapp.pages.form_words import choose_one, in_line, too_long, unreadable
from webapp.pages.words import job_error
from webapp.resources.schemas import is_odd_text

LONGEST = 120
MOST_FEEDS = 5
DISTANCES_KM = (5, 10, 25, 50, 100)
AGES_HOURS = (24, 72, 168)
RESULTS = (10, 25, 50, 100)
USUAL_RESULTS = "25"


@dataclass
class PostingAsk(Ask):
    """What the form for postings holds, as it was typed.

    Attributes:
        job_country: to look in, as an ISO code; `country` is that of the phone.
        results_wanted: of each site, at most.
        feeds: addresses, one a line.
        only_own_feeds: look nowhere else, whatever is chosen of `sites`.
        gone_sites: what an earlier search chose and this server does not offer any more.
    """

    job_title: str = ""
    location: str = ""
    is_remote: bool = False
    job_type: str = ""
    hours_old: str = ""
    distance_km: str = ""
    job_country: str = ""
    results_wanted: str = USUAL_RESULTS
    sites: list[str] = field(default_factory=list)
    feeds: str = ""
    only_own_feeds: bool = False
    gone_sites: list[str] = field(default_factory=list)

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
            results_wanted=typed.get("results_wanted", USUAL_RESULTS),
            sites=typed.getlist("sites"),
            feeds=typed.get("feeds", "").strip(),
            only_own_feeds="only_own_feeds" in typed,
        )
        ask.read_contact(request)
        ask._check()
        return ask

    @classmethod
    def like(cls, params: Mapping[str, Any]) -> PostingAsk:
        """Return the form filled in as an earlier search asked, and know what it cannot ask."""

        def word(name: str) -> str:
            value = params.get(name)
            return str(value) if isinstance(value, str | int) else ""

        def words(name: str) -> list[str]:
            value = params.get(name)
            return [str(one) for one in value] if isinstance(value, list) else []

        offered, sites, feeds = settings().offered_sites, words("sites"), words("feeds")
        # A person's own feeds are asked beside all that is chosen.
        gone = [one for one in sites if one not in offered and not (one == FEED and feeds)]
        return cls.empty(
            job_title=word("job_title"),
            location=word("location"),
            is_remote=params.get("is_remote") is True,
            job_type=word("job_type"),
            hours_old=word("hours_old"),
            distance_km=word("distance_km"),
            job_country=word("country"),
            results_wanted=word("results_wanted") or USUAL_RESULTS,
            sites=[one for one in sites if one in offered],
            feeds="\n".join(feeds),
            only_own_feeds=sites == [FEED] and bool(feeds) and FEED not in offered,
            gone_sites=gone,
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
            or self.results_wanted != USUAL_RESULTS
            or self.sites
            or self.feeds
            or self.only_own_feeds
            or self.gone_sites
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
            "results_wanted": self.results_wanted,
            "sites": [FEED] if self.only_own_feeds else self.sites,
            "feeds": self.feed_list,
        }
        return {name: value for name, value in given.items() if value}

    def refuse(self, error: InvalidParamsError) -> None:
        """Put what the kind refused beside its fields, in the reader's language."""
        sentences = {
            "job_title": gettext("Say what job you are looking for."),
            "location": too_long(LONGEST),
            "job_type": choose_one(),
            "hours_old": choose_one(),
            "distance_km": choose_one(),
            "country": choose_one(),
            "results_wanted": choose_one(),
            "sites": gettext("One of these sites is not asked any more."),
            "feeds": job_error("url_invalid", None)[0],
        }
        for name, inside, message in fields_refused(error):
            said = sentences.get(name, message)
            if name == "feeds" and inside.isdecimal():
                said = in_line(int(inside) + 1, said)
            field_name = "job_country" if name == "country" else name
            self.errors.setdefault(field_name if name in sentences else "form", said)

    def _check(self) -> None:
        if not self.job_title:
            self.errors["job_title"] = gettext("Say what job you are looking for.")
        for name in ("job_title", "location"):
            typed = getattr(self, name)
            if is_odd_text(typed):
                self.errors[name] = unreadable()
            elif len(typed) > LONGEST:
                self.errors[name] = too_long(LONGEST)
        chosen = (self.job_type, self.hours_old, self.distance_km, self.job_country)
        if any(map(is_odd_text, (*chosen, self.results_wanted, *self.sites))):
            self.errors["form"] = choose_one()
        self._check_feeds()

    def _check_feeds(self) -> None:
        for number, feed in enumerate(self.feed_list, 1):
            try:
                check_url(feed)
            except FetchError as error:
                why, _ = job_error(error.code, error.message)
                self.errors.setdefault("feeds", in_line(number, why))
        if len(self.feed_list) > MOST_FEEDS:
            self.errors["feeds"] = ngettext(
                "At most %(num)s address, please.",
                "At most %(num)s addresses, please.",
                MOST_FEEDS,
            )
        if self.only_own_feeds and not self.feeds:
            self.errors["feeds"] = gettext(
                "Give the address of a feed here, or untick “My feeds only”."
            )
