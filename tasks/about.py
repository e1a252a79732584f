"""What a job was about, in at most three words that are safe to send to a phone."""

from __future__ import annotations

import logging
import re
import unicodedata

from models import Job
from tasks.registry import UnknownKindError, find_kind

log = logging.getLogger(__name__)

MOST_WORDS = 3
MOST_CHARACTERS = 40
# What phones make links of has one of these between two other characters.
_IN_LINKS = re.compile(r"(?<=\S)[./:@\\\u3002]+(?=\S)")
_DECIMAL = re.compile(r"\d+\.\d+")


def about(job: Job) -> str | None:
    """Return what the kind says this job is about, or else the kind's title; cleaned.

    Whatever goes wrong with the words of a kind, the text goes out.
    """
    try:
        kind = find_kind(job.kind)
    except UnknownKindError:
        return None
    said = None
    try:
        if kind.about is not None:
            params = kind.params.model_validate(job.params)
            result = None if job.result is None else kind.result.model_validate(job.result)
            said = kind.about(params, result, job.locale)
        return clean(said or kind.title)
    except Exception as error:  # noqa: BLE001 - a kind of somebody else's, or rows of an old one
        log.warning("no words about job_id=%s: %s", job.id, type(error).__name__)
        return clean(kind.title)


def clean(words: str) -> str | None:
    """Return at most three words without control characters and without anything like a link."""
    plain = "".join(
        " " if character.isspace() else character
        for character in unicodedata.normalize("NFKC", words)
        if character.isspace() or unicodedata.category(character)[0] != "C"
    )
    unlinked = " ".join(
        word if _DECIMAL.fullmatch(word) else _IN_LINKS.sub(" ", word) for word in plain.split()
    )
    kept = " ".join(unlinked.split()[:MOST_WORDS])[:MOST_CHARACTERS]
    return kept.strip(" ,;:./@\\#\u3002") or None
