"""What happened, in words: in both languages, and nothing of our inside."""

from __future__ import annotations

from datetime import UTC, datetime
from string import Formatter
from typing import Any

import pytest

from models import JobEvent
from webapp import timeline
from webapp.timeline import LANGUAGES, timeline_lines

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
# Everything models/ writes.
EVENTS = (
    "enqueued", "claimed", "retry", "rescued", "handed_back", "cancel_requested", "succeeded",
    "failed", "cancelled",
)  # fmt: skip


def said(event: str, language: str, attempt: int | None = 1, **detail: Any) -> str:
    """Return the sentence for an event."""
    row = JobEvent(event=event, attempt=attempt, at=NOW, detail=detail or None)
    return timeline_lines([row], language)[0].text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_event_has_words_of_its_own(language: str) -> None:
    sentences = {said(event, language, worker="node-7/3", code="worker_lost") for event in EVENTS}
    assert len(sentences) == len(EVENTS)
    assert not any("node-7" in sentence or "worker_lost" in sentence for sentence in sentences)
    assert said("invented_later", language) not in sentences
    assert "invented" not in said("invented_later", language)


def test_both_languages_say_the_same() -> None:
    def places(words: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(words)}

    english, korean = (timeline._WORDS[language] for language in ("en", "ko"))
    assert english.keys() == korean.keys()
    for name, words in english.items():
        assert places(words) == places(korean[name])
        assert words != korean[name]


def test_a_further_attempt_is_counted() -> None:
    assert "2" in said("claimed", "en", attempt=2)
    assert "2" in said("claimed", "ko", attempt=2)
    assert said("claimed", "en", attempt=1) != said("claimed", "en", attempt=2)


def test_a_retry_says_when() -> None:
    assert "8 s" in said("retry", "en", delay_seconds=7.6)
    assert "8초" in said("retry", "ko", delay_seconds=7.6)
    assert said("retry", "en", delay_seconds="soon") == said("retry", "en")


def test_another_language_reads_english() -> None:
    assert said("succeeded", "fr") == said("succeeded", "en")


def test_what_belongs_to_no_attempt_has_none() -> None:
    row = JobEvent(event="enqueued", attempt=0, at=NOW, detail=None)
    assert timeline_lines([row], "en")[0].attempt is None
