"""In how many segments a text goes: against the definition, and at each border."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.segments import GSM_BASIC, GSM_EXTENSION, Encoding, Segments, segments, writable

GSM, UCS = Encoding.GSM_7, Encoding.UCS_2
PLAIN = st.text(alphabet=sorted(GSM_BASIC | GSM_EXTENSION), max_size=700)
# Around the borders an emoji of two halves is what goes wrong.
MIXED = st.text(alphabet=st.sampled_from("a가é😀€ê\n"), max_size=320)


@pytest.mark.parametrize(
    ("body", "country", "expected"),
    [
        ("", None, Segments(GSM, 1, 160)),
        ("a" * 160, None, Segments(GSM, 1, 0)),
        ("a" * 161, None, Segments(GSM, 2, 153 - 8)),
        ("a" * 306, None, Segments(GSM, 2, 0)),
        ("a" * 307, None, Segments(GSM, 3, 152)),
        ("€" * 80, None, Segments(GSM, 1, 0)),
        ("€" * 80 + "a", None, Segments(GSM, 2, 153 - 9)),
        # 152 and one wide: it moves as a whole, and the first segment stays one short.
        ("a" * 152 + "€" + "a" * 152, None, Segments(GSM, 3, 152)),
        ("a" * 153 + "€" + "a" * 151, None, Segments(GSM, 2, 0)),
        ("@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ^{}\\[~]|€", None, Segments(GSM, 1, 160 - 29 - 2 * 9)),
        ("ç", None, Segments(UCS, 1, 69)),
        ("가" * 70, None, Segments(UCS, 1, 0)),
        ("가" * 71, None, Segments(UCS, 2, 63)),
        ("가" * 134, None, Segments(UCS, 2, 0)),
        ("가" * 135, None, Segments(UCS, 3, 66)),
        ("😀" * 35, None, Segments(UCS, 1, 0)),
        ("😀" * 36, None, Segments(UCS, 2, 67 - 2 * 3)),
        ("가" * 66 + "😀" + "가" * 66, None, Segments(UCS, 3, 66)),
        ("가" * 62, "KR", Segments(UCS, 1, 0)),
        ("가" * 63, "KR", Segments(UCS, 2, 67 - 4)),
        ("a" * 62, "KR", Segments(UCS, 1, 0)),
        ("a" * 63, "KR", Segments(UCS, 2, 67 - 4)),
        ("a" * 63, "US", Segments(GSM, 1, 97)),
    ],
)
def test_each_border(body: str, country: str | None, expected: Segments) -> None:
    """160 and 153, 70 and 67, wide characters across a border, Korea's mark.

    Demand: 000-11
    """
    assert segments(body, country) == expected


@given(PLAIN)
def test_the_alphabet_of_texts_counts_septets(body: str) -> None:
    """By the definition: one septet each, two after an escape, and an escape is never last."""
    septets = "".join("EX" if c in GSM_EXTENSION else "b" for c in body)
    assert segments(body) == Segments(GSM, *_cut(septets, 160, 153, "E"))


@given(MIXED)
def test_all_else_counts_halves_of_utf_16(body: str) -> None:
    """By the definition: code units of UTF-16, and a high surrogate is never last."""
    body += "ê"
    raw = body.encode("utf-16-be")
    units = "".join("H" if 0xD8 <= raw[at] <= 0xDB else "u" for at in range(0, len(raw), 2))
    assert segments(body) == Segments(UCS, *_cut(units, 70, 67, "H"))


@given(MIXED)
def test_korea_counts_the_mark_before_it(body: str) -> None:
    """The same as a text that has it."""
    assert segments(body, "KR") == segments("[Web발신]\n" + body)


def _cut(units: str, single: int, each: int, never_last: str) -> tuple[int, int]:
    """Cut units as a phone would get them."""
    if len(units) <= single:
        return 1, single - len(units)
    parts = []
    while units:
        size = each - 1 if units[:each].endswith(never_last) and len(units) >= each else each
        parts.append(units[:size])
        units = units[size:]
    return len(parts), each - len(parts[-1])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("원피스·드레스 24건", "원피스·드레스 24건"),
        ("Café ★ “x” …", "Cafe ★ “x” …"),
        ("😀 happy", " happy"),
        ("똠방각하", "?방각하"),
        ("ﬁ", "fi"),
        ("𝒜lpha", "Alpha"),
        ("नमस्ते", "????"),
        ("e\u0301", "e"),
        ("한글", "한글"),
    ],
)
def test_a_korean_phone_gets_what_it_can_show(text: str, shown: str) -> None:
    """EUC-KR: emoji are dropped, accents too, letters it lacks become question marks."""
    assert writable(text, "KR") == shown


def test_elsewhere_only_control_characters_go() -> None:
    """A new line may stay."""
    assert writable("a\x07b\u202ec\n😀é", "US") == "abc\n😀é"
