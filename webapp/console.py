"""What the launcher writes on the terminal: readiness, a progress bar, a text message."""

import os
import sys
import threading
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final, TextIO

NAME_WIDTH: Final = 26
BAR_WIDTH: Final = 32
PHONE_WIDTH: Final = 46  # columns of text inside the bubble
# Without a terminal a progress line is written at most once for so many percent.
PLAIN_PROGRESS_STEP: Final = 20

GREEN, RED, YELLOW, BLUE, DIM, BOLD = "32", "31", "33", "36", "2", "1"


def width(text: str) -> int:
    """Return how many columns a text takes: Korean letters and emoji two, accents none."""
    columns = 0
    for letter in text:
        if unicodedata.category(letter) in {"Mn", "Me", "Cf"}:
            continue
        columns += 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1
    return columns


def pad(text: str, columns: int) -> str:
    """Fill a text up with spaces to a width in columns."""
    return text + " " * max(0, columns - width(text))


def wrap(text: str, columns: int) -> list[str]:
    """Break a text into lines of at most so many columns, between words where that can be."""
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in paragraph.split(" "):
            joined = f"{line} {word}" if line else word
            if width(joined) <= columns:
                line = joined
                continue
            if line:
                lines.append(line)
            *full, line = _slices(word, columns)
            lines += full
        lines.append(line)
    return lines


def _slices(word: str, columns: int) -> list[str]:
    """Cut one long word, such as an address, into pieces that fit."""
    pieces = [""]
    for letter in word:
        if width(pieces[-1]) + width(letter) > columns:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def phone(sender: str, body: str, clock: str) -> list[str]:
    """Draw a text message as a phone would show it, one string a line."""
    text = wrap(body, PHONE_WIDTH)
    inside = PHONE_WIDTH + 8
    bubble = max(width(line) for line in text)
    head = f" {sender}"
    return [
        "╭" + "─" * inside + "╮",
        "│" + pad(head, inside - width(clock) - 1) + clock + " │",
        "├" + "─" * inside + "┤",
        "│" + pad(f" ╭{'─' * (bubble + 2)}╮", inside) + "│",
        *("│" + pad(f" │ {pad(line, bubble)} │", inside) + "│" for line in text),
        "│" + pad(f" ╰┬{'─' * (bubble + 1)}╯", inside) + "│",
        "│" + pad("  ╯", inside) + "│",
        "╰" + "─" * inside + "╯",
    ]


class Console:
    """Lines for people: coloured and redrawn on a terminal, plain ones elsewhere.

    Several threads may write; a line is never torn.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.is_terminal = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        self._colours = self.is_terminal and not os.environ.get("NO_COLOR")
        self._lock = threading.RLock()
        self._bar = ""  # the progress line now standing at the bottom of the terminal
        self._bar_step = (-1, "")
        reconfigure = getattr(self.stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")  # a terminal without UTF-8 gets "?", not a traceback

    def line(self, text: str = "") -> None:
        """Write a line."""
        with self._lock:
            clear = "\r\033[K" if self._bar else ""
            self._write(clear + text + "\n" + self._bar)

    def lines(self, texts: Iterable[str], indent: str = "    ") -> None:
        """Write lines, set in."""
        for text in texts:
            self.line(indent + text)

    def title(self, text: str) -> None:
        """Write a heading with an empty line before it."""
        self.line()
        self.line(self._paint(text, BOLD))

    def ready(self, name: str, seconds: float, word: str = "ready") -> None:
        """Say that something is ready, and how long that took."""
        mark = self._paint("●", GREEN)
        time = self._paint(f"{seconds:5.1f} s", DIM)
        self.line(f"  {mark} {pad(name, NAME_WIDTH)} {pad(word, 8)} {time}")

    def note(self, text: str) -> None:
        """Say something worth knowing."""
        self.line(f"  {self._paint('·', BLUE)} {text}")

    def warn(self, text: str, details: Sequence[str] = ()) -> None:
        """Say that something went wrong that we are dealing with."""
        self.line(f"  {self._paint('▲', YELLOW)} {text}")
        self.lines((self._paint(detail, DIM) for detail in details), "      ")

    def error(self, text: str) -> None:
        """Say why nothing more can be done."""
        first, *others = text.splitlines() or [""]
        self.line(f"  {self._paint('✗', RED)} {first}")
        self.lines(others, "    ")

    def fact(self, name: str, value: str) -> None:
        """Write a name and what belongs to it, in two columns."""
        self.line(f"  {self._paint(pad(name, 14), DIM)} {value}")

    def progress(self, percent: int, stage: str) -> None:
        """Show how far something is: one line redrawn, or a plain line now and then."""
        with self._lock:
            if not self.is_terminal:
                step = (percent // PLAIN_PROGRESS_STEP, stage)
                if step != self._bar_step:
                    self._bar_step = step
                    self.line(f"  {percent:3d} %  {stage}")
                return
            full = round(BAR_WIDTH * percent / 100)
            bar = self._paint("━" * full, GREEN) + self._paint("━" * (BAR_WIDTH - full), DIM)
            self._bar = f"  {bar} {percent:3d} %  {stage}"
            self._write("\r\033[K" + self._bar)

    def end_progress(self) -> None:
        """Leave the progress line as it stands and go on below it."""
        with self._lock:
            self._bar_step = (-1, "")
            if self._bar:
                self._bar = ""
                self._write("\n")

    def _write(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except OSError:
            pass  # the terminal was closed or the pipe's reader left: what we started still counts

    def _paint(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colours else text
