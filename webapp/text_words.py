"""What became of a text, in words for people: English or Korean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from models import Notification, NotificationStatus
from webapp.timeline import TimelineLine

_STATES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "queued": "The text with the link is on its way.",
        "waits": "The text waits for the morning, or to be tried once more.",
        "sending": "The text with the link is on its way.",
        "sent": "The text with the link was sent.",
        "delivered": "The text with the link has arrived.",
        "unknown": "We are finding out whether the text went out.",
        "needs_review": "We could not find out whether the text went out, so we did not send it "
        "again. Everything is here.",
    },
    "ko": {
        "queued": "링크를 담은 문자를 보내고 있어요.",
        "waits": "문자는 아침에 보내거나 잠시 뒤 다시 시도해요.",
        "sending": "링크를 담은 문자를 보내고 있어요.",
        "sent": "링크를 담은 문자를 보냈어요.",
        "delivered": "링크를 담은 문자가 도착했어요.",
        "unknown": "문자가 나갔는지 확인하고 있어요.",
        "needs_review": "문자가 나갔는지 알 수 없어서 다시 보내지 않았어요. "
        "결과는 모두 여기 있어요.",
    },
}
# Why none arrived, by code: a provider's number, or a word of ours.
_REASONS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "21211": "This number does not exist, so no text was sent. Prove the right one under "
        "“Sign in”.",
        "21614": "This is no mobile number, so no text was sent. Prove a mobile number under "
        "“Sign in”.",
        "21408": "Texts to this country are not possible at the moment. Everything is here.",
        "21612": "Texts to this number are not possible at the moment. Everything is here.",
        "21610": "Texts to this number were stopped by answering STOP. Answer START to have them "
        "again.",
        "30003": "The phone was off or out of reach, so the text did not arrive. Everything is "
        "here.",
        "30004": "The text was blocked on its way. Everything is here.",
        "30005": "The carrier does not know this number, so the text did not arrive. Everything "
        "is here.",
        "30006": "This is a landline or cannot receive texts. Prove a mobile number under "
        "“Sign in”.",
        "30007": "The text was filtered out on its way. Everything is here.",
        "30047": "The text was not allowed out at this hour. Everything is here.",
        "opted_out": "You stopped our texts, so none was sent. Everything is here.",
        "daily_limit": "You had three texts about scheduled searches today, so this one waits "
        "here.",
        "cap_number": "That was a lot of texts for one day, so none was sent. Everything is here.",
        "cap_country": "That was a lot of texts for one day, so none was sent. Everything is here.",
        "cap_total": "That was a lot of texts for one day, so none was sent. Everything is here.",
        "country_not_allowed": "Texts to this country are not sent from here. Everything is here.",
        "texts_off": "No texts are sent from here. Everything is here.",
        "no_recipient": "There was no proven number any more, so no text was sent.",
        "other": "The text could not be sent. Everything is here.",
        "lost": "The text did not arrive. Everything is here.",
    },
    "ko": {
        "21211": "없는 번호라서 문자를 보내지 못했어요. ‘로그인’에서 맞는 번호를 확인해 주세요.",
        "21614": "휴대폰 번호가 아니라서 문자를 보내지 못했어요. "
        "‘로그인’에서 휴대폰 번호를 확인해 주세요.",
        "21408": "지금은 이 나라로 문자를 보낼 수 없어요. 결과는 모두 여기 있어요.",
        "21612": "지금은 이 번호로 문자를 보낼 수 없어요. 결과는 모두 여기 있어요.",
        "21610": "STOP 답장으로 문자가 중단된 번호예요. 다시 받으시려면 START라고 답장해 주세요.",
        "30003": "휴대폰이 꺼져 있거나 닿지 않아 문자가 도착하지 못했어요. "
        "결과는 모두 여기 있어요.",
        "30004": "문자가 중간에 차단됐어요. 결과는 모두 여기 있어요.",
        "30005": "통신사가 모르는 번호라서 문자가 도착하지 못했어요. 결과는 모두 여기 있어요.",
        "30006": "유선 전화이거나 문자를 받을 수 없는 번호예요. "
        "‘로그인’에서 휴대폰 번호를 확인해 주세요.",
        "30007": "문자가 중간에 걸러졌어요. 결과는 모두 여기 있어요.",
        "30047": "이 시간에는 문자를 보낼 수 없었어요. 결과는 모두 여기 있어요.",
        "opted_out": "문자를 그만 받기로 하셔서 보내지 않았어요. 결과는 모두 여기 있어요.",
        "daily_limit": "예약 검색 문자는 하루 세 번까지라서 이 결과는 여기서 기다려요.",
        "cap_number": "오늘 보낸 문자가 너무 많아 보내지 않았어요. 결과는 모두 여기 있어요.",
        "cap_country": "오늘 보낸 문자가 너무 많아 보내지 않았어요. 결과는 모두 여기 있어요.",
        "cap_total": "오늘 보낸 문자가 너무 많아 보내지 않았어요. 결과는 모두 여기 있어요.",
        "country_not_allowed": "여기서는 이 나라로 문자를 보내지 않아요. 결과는 모두 여기 있어요.",
        "texts_off": "여기서는 문자를 보내지 않아요. 결과는 모두 여기 있어요.",
        "no_recipient": "확인된 번호가 없어서 문자를 보내지 못했어요.",
        "other": "문자를 보내지 못했어요. 결과는 모두 여기 있어요.",
        "lost": "문자가 도착하지 못했어요. 결과는 모두 여기 있어요.",
    },
}
EXPLAINED = frozenset(_REASONS["en"])
_LOST = (NotificationStatus.FAILED, NotificationStatus.UNDELIVERED)


def text_sentence(notification: Notification, language: str) -> str:
    """Return what became of a text and what to do, in `en` or `ko`; English for any other."""
    language = language if language in _STATES else "en"
    if notification.status in _LOST:
        reasons = _REASONS[language]
        plain = "lost" if notification.status == NotificationStatus.UNDELIVERED else "other"
        return reasons.get(notification.error_code or "", reasons[plain])
    state = str(notification.status)
    if state == NotificationStatus.QUEUED and notification.not_before is not None:
        state = "waits"
    return _STATES[language][state]


def text_lines(notification: Notification | None, language: str) -> list[TimelineLine]:
    """Return the timeline's lines about a text: when it went out, and what it came to."""
    if notification is None:
        return []
    known = _STATES.get(language, _STATES["en"])
    lines = []
    sent_at, delivered_at = notification.sent_at, notification.delivered_at
    if sent_at is not None:
        lines.append(_line(sent_at, "text_sent", known["sent"]))
    if delivered_at is not None:
        lines.append(_line(delivered_at, "text_delivered", known["delivered"]))
    elif notification.status not in (NotificationStatus.SENT, NotificationStatus.DELIVERED):
        at = notification.updated_at
        name = f"text_{notification.status}"
        lines.append(_line(at, name, text_sentence(notification, language)))
    return lines


def _line(at: datetime, event: str, words: str) -> TimelineLine:
    return TimelineLine(at, event, None, words)
