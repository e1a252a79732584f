"""What happened to a job, in words for people: English or Korean, and nothing of our inside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models import JobEvent

# By event; the first attempt and a further one are told apart where they differ.
_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "enqueued": "Received and safely written down.",
        "claimed": "Started.",
        "claimed again": "Started again, attempt {attempt}.",
        "retry": "It did not work; it is tried again by itself.",
        "retry later": "It did not work; it is tried again by itself in about {seconds} s.",
        "rescued": "It was interrupted on our side, so it waits for its turn again.",
        "handed_back": "Put back in line while we restart; this attempt does not count.",
        "cancel_requested": "You asked to stop it.",
        "succeeded": "Finished.",
        "failed": "Ended without a full answer.",
        "cancelled": "Cancelled.",
        "other": "It changed.",
    },
    "ko": {
        "enqueued": "요청을 안전하게 받았어요.",
        "claimed": "시작했어요.",
        "claimed again": "다시 시작했어요. {attempt}번째 시도예요.",
        "retry": "잘 되지 않아서 자동으로 다시 시도해요.",
        "retry later": "잘 되지 않아서 약 {seconds}초 뒤에 자동으로 다시 시도해요.",
        "rescued": "저희 쪽에서 중단되어 다시 차례를 기다려요.",
        "handed_back": "저희가 재시작하는 동안 대기열로 돌아갔어요. 시도 횟수에는 넣지 않아요.",
        "cancel_requested": "중지를 요청하셨어요.",
        "succeeded": "완료되었어요.",
        "failed": "답을 다 찾지 못하고 끝났어요.",
        "cancelled": "취소되었어요.",
        "other": "상태가 바뀌었어요.",
    },
}
LANGUAGES = tuple(_WORDS)


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One thing that happened.

    Attributes:
        at: when.
        event: the word for programs.
        attempt: which attempt it was about; None for what belongs to none.
        text: one sentence for people.
    """

    at: datetime
    event: str
    attempt: int | None
    text: str


def timeline_lines(events: Iterable[JobEvent], language: str) -> list[TimelineLine]:
    """Return what happened, oldest first as given, in `en` or `ko`; English for any other."""
    words = _WORDS.get(language, _WORDS["en"])
    return [
        TimelineLine(event.at, event.event, event.attempt or None, _sentence(event, words))
        for event in events
    ]


def _sentence(event: JobEvent, words: Mapping[str, str]) -> str:
    form = event.event
    seconds = _delay_seconds(event.detail)
    if form == "claimed" and (event.attempt or 0) > 1:
        form = "claimed again"
    elif form == "retry" and seconds is not None:
        form = "retry later"
    # An event of a later release has no words here, and its name is not for people.
    return words.get(form, words["other"]).format(attempt=event.attempt, seconds=seconds)


def _delay_seconds(detail: Mapping[str, Any] | None) -> int | None:
    seconds = (detail or {}).get("delay_seconds")
    return max(1, round(seconds)) if isinstance(seconds, int | float) else None
