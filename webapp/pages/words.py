"""The words pages show for what rows hold in English or as a code; each listed once, for both
languages.
"""

from __future__ import annotations

from typing import Any

from flask_babel import gettext

from models.posting_sites import SITES
from tasks.registry import kinds
from webapp.i18n import current_language


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "translate this one later"
    """Mark a sentence for extraction; it is translated where it is shown."""
    return text


TITLES = {
    "image_search": N_("Search by photo"),
    "posting_search": N_("Search job postings"),
}
# Where one of them is chosen, in a word.
SHORT_TITLES = {"image_search": N_("Photo"), "posting_search": N_("Job postings")}

# What kinds write into `stage`. A kind of another package shows its own words as they are.
STAGES = (
    N_("Reading the photo"),
    N_("Looking at the photo"),
    N_("Searching the catalog"),
    N_("Looking through what is kept"),
    N_("Searching the sample postings"),
    N_("Reading a feed"),
)

# Where the things of a result come from.
SOURCES = (
    N_("Catalog"),
    N_("Sample catalog"),
    N_("Sample data: rendered objects, not real products"),
    N_("Sample postings"),
    N_("Feeds"),
    N_("Job sites"),
    N_("Sample data: made-up postings, no real jobs"),
)

# Why a site with job postings gave none, or not all.
SITE_TROUBLES = (
    N_("This site asks us to slow down. Later searches ask it again."),
    N_("This site asked us to slow down a short while ago, so it was not asked."),
    N_("Too many searches wait for this site just now, so it was not asked."),
    N_("This site took too long."),
    N_("This site did not answer as it should."),
    N_("This site refuses to answer us."),
    N_("This site has no postings for this country."),
    N_("This server cannot ask this site."),
    N_("There was no time left for this site."),
    N_("There is no feed of postings at this address."),
    N_("The feed at this address is too large."),
    N_("The file of this feed cannot be read."),
    N_("The server of this address did not give us the file."),
)

STATUSES = {
    "queued": N_("Waiting"),
    "running": N_("Searching"),
    "succeeded": N_("Ready"),
    "failed": N_("Not finished"),
    "cancelled": N_("Cancelled"),
}

# By error code: why there is no answer, and what to do next.
_ANOTHER_PHOTO = N_("Try again with another photo.")
_ANOTHER_ADDRESS = N_("Check the address, or send the photo itself.")
_AGAIN = N_("Please start the search again.")
_ANEW = N_("Please start a new search.")
_LESS = N_("Search again. If it ends the same way, ask for less at once.")
ERRORS = {
    "empty_file": (N_("The file is empty."), _ANOTHER_PHOTO),
    "not_a_picture": (
        N_("This is not a picture we can read."),
        N_("Send a JPEG, PNG, WebP or HEIC file."),
    ),
    "picture_truncated": (N_("The picture is cut off."), N_("Send the whole file again.")),
    "picture_unreadable": (N_("The picture is damaged and cannot be read."), _ANOTHER_PHOTO),
    "picture_too_complex": (N_("The picture takes too long to read."), _ANOTHER_PHOTO),
    "picture_too_large": (N_("The picture has too many pixels."), N_("Send a smaller one.")),
    "url_not_http": (
        N_("The address must begin with http:// or https://."),
        _ANOTHER_ADDRESS,
    ),
    "url_invalid": (N_("This is not a web address we can open."), _ANOTHER_ADDRESS),
    "address_not_allowed": (
        N_("The address does not lead to the public internet."),
        _ANOTHER_ADDRESS,
    ),
    "host_not_found": (N_("The server of this address was not found."), _ANOTHER_ADDRESS),
    "fetch_failed": (
        N_("The server of this address did not give us the picture."),
        _ANOTHER_ADDRESS,
    ),
    "fetch_refused": (
        N_("The server of this address did not give us the picture."),
        _ANOTHER_ADDRESS,
    ),
    "fetch_timeout": (N_("The server of this address took too long."), _ANOTHER_ADDRESS),
    "fetch_too_large": (N_("The file at this address is too large."), _ANOTHER_ADDRESS),
    "too_many_redirects": (N_("The address forwards us too many times."), _ANOTHER_ADDRESS),
    "upload_gone": (N_("The photo is not there any more."), _ANEW),
    "time_limit": (N_("It took longer than it may, so it was stopped."), _LESS),
    "memory_limit": (N_("It needed more memory than it may have, so it was stopped."), _LESS),
    "result_unstorable": (N_("The answer could not be kept, so there is none."), _AGAIN),
    "not_understood": (N_("This kind of search is not offered any more."), _ANEW),
    "worker_lost": (
        N_("Our side was interrupted each time we tried, so there is no answer."),
        _AGAIN,
    ),
    "waited_too_long": (
        N_("It waited for longer than its answer would have been kept."),
        _AGAIN,
    ),
    "internal_error": (N_("Something went wrong on our side."), _AGAIN),
    "no_site_answered": (
        N_("None of the sites answered."),
        N_("Search again in a while, or ask other sites."),
    ),
    "provider_failed": (N_("A service we asked did not answer as it should."), _AGAIN),
}

# Those that come again with the same input; the others may not.
_ABOUT_INPUT = frozenset(
    {
        "empty_file",
        "not_a_picture",
        "picture_truncated",
        "picture_unreadable",
        "picture_too_complex",
        "picture_too_large",
        "url_not_http",
        "url_invalid",
        "address_not_allowed",
        "upload_gone",
        "not_understood",
    }
)

# By HTTP status: the headline and the sentence of a page that is not there.
HTTP_ERRORS = {
    400: (
        N_("That did not arrive in one piece"),
        N_("Go back, reload the page and try once more."),
    ),
    403: (
        N_("This form cannot be taken any more"),
        N_("Go back, reload the page and try once more."),
    ),
    404: (
        N_("There is nothing here"),
        N_("The link may have expired, or a letter of it got lost. Results stay for a few days."),
    ),
    405: (N_("That does not work here"), N_("Begin again from the first page.")),
    413: (N_("That file is too large"), N_("Send a smaller photo.")),
    422: (
        N_("Something in the form is not right yet"),
        N_("Go back, reload the page and try once more."),
    ),
    429: (
        N_("One moment, please"),
        N_("That was a lot of searches in a short time. Try again in a minute."),
    ),
    500: (
        N_("Something went wrong on our side"),
        N_("It is noted. Please try again; searches that already run are not affected."),
    ),
    503: (
        N_("We are away for a moment"),
        N_("It is us, not you. Every search we took in is safe and goes on by itself."),
    ),
}


def title_of(kind: str) -> str:
    """Return what people call a kind of job: ours translated, another package's in its words."""
    if kind in TITLES:
        return gettext(TITLES[kind])
    known = kinds().get(kind)
    return known.title if known else kind.replace("_", " ").capitalize()


def short_title_of(kind: str) -> str:
    """Return the same in a word or two, where there is little room."""
    return gettext(SHORT_TITLES[kind]) if kind in SHORT_TITLES else title_of(kind)


def status_word(status: str) -> str:
    """Return a job's status in a word."""
    return gettext(STATUSES[status])


def status_words() -> dict[str, str]:
    """Return every status in a word, in this request's language."""
    return {status: gettext(word) for status, word in STATUSES.items()}


def stage_words() -> dict[str, str]:
    """Return every stage a page may have to show, in this request's language."""
    sites = {
        f"Searching {label}": gettext("Searching %(site)s", site=label) for label in SITES.values()
    }
    return {stage: gettext(stage) for stage in STAGES} | sites


def site_trouble(message: str | None) -> str:
    """Return why a site gave none, in this request's language; nothing for what is not told."""
    known = message in SITE_TROUBLES or message in {why for why, _ in ERRORS.values()}
    return gettext(message) if message and known else message or ""


def words_of(text: str) -> str:
    """Return what a result says about its source, in this request's language."""
    return gettext(text) if text in SOURCES else text


def job_error(code: str | None, message: str | None) -> tuple[str, str]:
    """Return why a job failed and what to do next, in this request's language."""
    if code in ERRORS:
        why, next_step = ERRORS[code]
        # Where there was but one site, it says itself why.
        own = message if code == "no_site_answered" and message in SITE_TROUBLES else why
        return gettext(own), gettext(next_step)
    # A kind of another package explains itself in its own words.
    why, next_step = ERRORS["internal_error"]
    return message or gettext(why), gettext(next_step)


def is_about_input(code: str | None) -> bool:
    """Tell whether a job failed because of what it was given."""
    return code in _ABOUT_INPUT


def http_error(status: int) -> tuple[str, str]:
    """Return the headline and the sentence for an HTTP status."""
    headline, sentence = HTTP_ERRORS.get(status, HTTP_ERRORS[500 if status >= 500 else 400])
    return gettext(headline), gettext(sentence)


def in_language(record: Any, name: str) -> str:
    """Return the field of a row or result that this request's language wants, else English."""
    own = f"{name}_{current_language()}"
    found = record.get(own) if isinstance(record, dict) else getattr(record, own, None)
    if found:
        return str(found)
    plain = record.get(name) if isinstance(record, dict) else getattr(record, name)
    return str(plain or "")
