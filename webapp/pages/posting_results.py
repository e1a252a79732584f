"""The postings a search found, as its page shows them: sifted, told in words, new ones first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from flask import request
from flask_babel import gettext

from models import Job
from models.posting_words import Fit, title_fit
from webapp.pages.posting_words import ago, day_words, job_types, posted, salary
from webapp.pages.words import site_trouble, words_of

LONGEST = 100


@dataclass(frozen=True, slots=True)
class Sift:
    """Which of the postings are to be seen.

    Attributes:
        words: all of them stand in the title, the company, the place or the description.
        site: the name of one, or `` for all.
    """

    words: str = ""
    site: str = ""
    only_new: bool = False
    only_remote: bool = False

    @classmethod
    def of_request(cls) -> Sift:
        """Return what the address of this page says."""
        asked = request.args
        return cls(
            words=asked.get("q", "").replace("\0", "").strip()[:LONGEST],
            site=asked.get("site", "")[:LONGEST],
            only_new="new" in asked,
            only_remote="remote" in asked,
        )

    def takes(self, card: Mapping[str, Any]) -> bool:
        """Whether a posting is to be seen."""
        told = " ".join(
            str(card[name] or "") for name in ("title", "company", "place", "description")
        ).casefold()
        return (
            (card["is_new"] or not self.only_new)
            and (card["is_remote"] is True or not self.only_remote)
            and (not self.site or any(self.site == site["site"] for site in card["sites"]))
            and all(word in told for word in self.words.casefold().split())
        )


def postings_of(job: Job, result: Mapping[str, Any], *, can_sift: bool) -> dict[str, Any]:
    """Return what the page of a search for postings shows.

    Args:
        job: which may tell some apart as new.
        result: all of it or what there is so far, as it is stored.
        can_sift: whether the address of the page says which ones are to be seen.
    """
    new = frozenset(job.new_keys or ())
    cards = [_card(posting, new) for posting in result.get("postings") or ()]
    cards.sort(key=lambda card: not card["is_new"])
    sift = Sift.of_request() if can_sift else Sift()
    for card in cards:
        card["is_shown"] = sift.takes(card)
    found_at = Counter(site["site"] for card in cards for site in card["sites"])
    labels = {site["site"]: site["label"] for card in cards for site in card["sites"]}
    news = sum(card["is_new"] for card in cards)
    remote = sum(card["is_remote"] is True for card in cards)
    return {
        "cards": cards,
        "can_sift": can_sift,
        "sift": sift,
        "shown": sum(card["is_shown"] for card in cards),
        "new": news,
        # What would leave all or none of them is no choice.
        "offers_new": 0 < news < len(cards) or sift.only_new,
        "offers_remote": 0 < remote < len(cards) or sift.only_remote,
        "found_at": [(site, labels[site], number) for site, number in found_at.most_common()],
        "notes": _notes(job, result) if cards and job.is_final else [],
        "like_place": result.get("like_place"),
        "outcomes": [_outcome(site) for site in result.get("sites") or ()],
    }


def _notes(job: Job, result: Mapping[str, Any]) -> list[str]:
    """Return what is to be said where not quite what was asked for was found."""
    said = []
    asked = str(job.params.get("job_title"))
    fits = [title_fit(asked, str(posting["title"])) for posting in result["postings"]]
    if min(fits) > Fit.ALL_WORDS:
        said.append(gettext("No title has all of your words; these come near."))
    return said


def _card(posting: Mapping[str, Any], new: Collection[str]) -> dict[str, Any]:
    """Return a posting in the reader's words; addresses are http or none."""
    known_type = posting.get("job_type")
    pay = posting.get("salary")
    return {
        "id": posting["id"],
        "title": posting["title"],
        "company": posting.get("company"),
        "place": posting.get("location"),
        "url": _address(posting.get("url")),
        "sites": [_site(site) for site in posting.get("sites") or ()],
        "is_new": str(posting["id"]) in new,
        "is_remote": posting.get("is_remote"),
        "type": job_types().get(str(known_type), known_type),
        "salary": salary(pay) if pay else "",
        "age": _age(posting),
        "description": str(posting.get("description") or "").strip(),
    }


def _age(posting: Mapping[str, Any]) -> dict[str, Any]:
    """Return when it was posted, or else when it was first come upon."""
    if posting.get("posted_on"):
        day = date.fromisoformat(str(posting["posted_on"]))
        return {"day": day, "words": posted(day, datetime.now(UTC)), "exact": day_words(day)}
    moment = datetime.fromisoformat(str(posting["first_seen_at"]))
    return {"moment": moment, "words": gettext("Found %(ago)s", ago=ago(moment))}


def _outcome(site: Mapping[str, Any]) -> dict[str, Any]:
    """Return what became of asking one site: how many it gave, and why not more."""
    label, count, status = words_of(str(site["label"])), site.get("count") or 0, site.get("status")
    if status == "ok" or count:
        said = f"{label}: {count}"
    elif status in ("unavailable", "skipped"):
        said = gettext("%(site)s was not asked", site=label)
    else:
        said = gettext("%(site)s did not answer", site=label)
    return {
        "said": said,
        "is_well": status == "ok",
        "why": site_trouble(site.get("message")),
    }


def _site(site: Mapping[str, Any]) -> dict[str, Any]:
    label = words_of(str(site["label"]))
    return {"site": str(site["site"]), "label": label, "url": _address(site.get("url"))}


def _address(url: Any) -> str | None:
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else None
