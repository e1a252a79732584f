"""The words of a text."""

from __future__ import annotations

import pytest

from tasks.texts import LOCALES, text_body

LINK = "https://t.example/r/" + "x" * 22


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(("succeeded", "count"), [(True, 24), (True, 1), (True, 0), (True, None),
                                                  (False, None)])  # fmt: skip
def test_a_text_fits_one_segment_and_carries_the_link(
    locale: str, succeeded: bool, count: int | None
) -> None:
    """160 characters in English; in Korean 70 less the carrier's eight, and only EUC-KR's."""
    body = text_body(locale=locale, succeeded=succeeded, result_count=count, link=LINK)
    assert body.count(LINK) == 1
    if locale == "en":
        assert body.isascii()
        assert len(body) <= 160
    else:
        assert body.encode("euc-kr")
        assert len(body) <= 70 - 8
    if count is not None and count > 1:
        assert str(count) in body


def test_an_unknown_language_is_english() -> None:
    """A row from an older release may carry another locale."""
    assert text_body(locale="xx", succeeded=True, result_count=1, link=LINK).startswith("Textback")
