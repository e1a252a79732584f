"""The words of the text with a code, in one segment."""

from __future__ import annotations

from urllib.parse import urlsplit

from tasks.segments import segments

# The code first, so that it can be read on a locked screen; the last line lets a browser offer to
# fill it in, for our own page alone (the form of origin-bound codes).
_WORDS = {
    "en": "{code} is your Textback code. Give it to nobody.",
    "ko": "[{code}] Textback 인증번호입니다. 타인에게 알려주지 마세요.",
}


def code_body(*, locale: str, code: str, base_url: str, country: str | None = None) -> str:
    """Return the message with a code; English for a language that is not here."""
    body = _WORDS.get(locale, _WORDS["en"]).format(code=code)
    bound = f"{body}\n@{urlsplit(base_url).hostname} #{code}"
    return bound if segments(bound, country).count == 1 else body
