"""What the launcher writes lines up, in Korean too, and reads well without a terminal."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.console import Console, pad, phone, width, wrap

LETTERS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]))


@pytest.mark.parametrize(
    ("text", "columns"),
    [("ready", 5), ("준비", 4), ("é", 1), ("e\u0301", 1), ("24개", 4), ("👟", 2), ("", 0)],
)
def test_width_counts_columns_not_letters(text, columns):
    assert width(text) == columns


def test_phone_is_a_rectangle_with_korean_in_it():
    text = "이미지 검색이 끝났어요: 상품 24개. http://127.0.0.1:8000/r/" + "k" * 60
    drawn = phone("Textback", text, "23:14")
    assert {width(line) for line in drawn} == {width(drawn[0])}
    assert "24개" in "".join(drawn)


@given(LETTERS)
def test_wrapped_lines_fit_and_lose_nothing(text):
    lines = wrap(text, 12)
    assert all(width(line) <= 12 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "").replace("\n", "")


def test_pad_never_cuts():
    assert pad("한글", 6) == "한글  "
    assert pad("too long", 3) == "too long"


def test_progress_without_a_terminal_is_a_few_plain_lines():
    stream = io.StringIO()
    console = Console(stream)
    for percent in range(101):
        console.progress(percent, "Searching")
    console.end_progress()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "    0 %  Searching"
    assert lines[-1] == "  100 %  Searching"
    assert len(lines) == 6
    assert "\033" not in stream.getvalue()


def test_lines_come_out_above_a_standing_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    console = Console(stream)
    console.progress(50, "Searching")
    console.warn("web ended")
    console.end_progress()
    assert stream.getvalue().index("web ended") < stream.getvalue().rindex("50 %")


def test_closed_terminal_does_not_stop_us():
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    Console(Closed()).line("nobody reads this")
