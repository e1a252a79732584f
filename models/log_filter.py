"""Keeps numbers, codes, tokens and passwords out of every log, whoever writes the line.

Installed once in each process, before it logs anything: each record is made with its words masked
already, its traceback too, so that no handler and no library of others gets to see them.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, TextIO
from urllib.parse import unquote, urlsplit

HIDDEN = "[hidden]"
_LEAST_DIGITS, _MOST_DIGITS = 8, 15
_LEAST_SECRET = 6

_ADDRESSES = re.compile(r"(/(?:r|hooks/sms/[^/\s]+/\d+)/)[\w%-]+")
_LOGINS = re.compile(r"(://)[^\s/@'\"]+@")
_NAMED = re.compile(
    r"(?i)((?:password|passwd|pwd|secret|token|api[_-]?key|session|textback)['\"]?\s*[=:]\s*['\"]?)"
    r"[^\s'\",;&}\])]{6,}"
)
_HEADERS = re.compile(r"(?i)((?:set-)?cookie|authorization)(['\"]?\s*[:=,]\s*['\"]?)[^\r\n'\"]+")
_BEARER = re.compile(r"(?i)\b(bearer|basic) +[\w.~+/=-]{8,}")
_TOKENS = re.compile(r"\btb_[\w-]{16,}|(?<![\w-])[\w-]{43}(?![\w-])")
# 22 characters as of a link's token: what has no digit or only one case is a name.
_LINK_TOKENS = re.compile(
    r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{22}(?![\w-])", re.ASCII
)
_SPEAKS_OF_CODES = re.compile(r"(?i)code|인증|verif")
_CODES = re.compile(r"(?<![\w.:-])\d{6}(?![\w.:])")
_NETWORK_ADDRESS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
# What has many digits and is no number stands first.
_NUMBERS = re.compile(
    r"(?P<other>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?"
    rf"|{_NETWORK_ADDRESS.pattern})"
    r"|(?:(?<![0-9A-Za-z.])|(?<=%2B)|(?<=%2b))"
    r"\+?\(?\d(?:[\s().\-\u00a0\u2010-\u2015]{0,2}\d){7,}(?!\d)"
)


# A line with none of these has nothing to hide: told in a tenth of the time that masking takes, for
# each job writes lines, and most of them are plain.
_TELLING = (
    "://", "/r/", "/hooks/", "cookie", "authorization", "bearer", "basic", "password", "passwd",
    "pwd", "secret", "token", "api", "session", "textback", "tb_", "code", "인증", "verif",
)  # fmt: skip
_PLAIN = re.compile(
    r"(?<![\w-])(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"
    r"|0\.\d+s)(?![\w-])"  # how long something took
)
_LONG = re.compile(r"[\w-]{22}|\d(?:[^\w]{0,2}\d){7}")


def masked(words: str) -> str:
    """Return words with all that must not be kept replaced."""
    return words if _is_plain(words) else _masked(words)


def _is_plain(words: str) -> bool:
    lower = words.lower()
    for telling in _TELLING:  # a generator takes three times as long
        if telling in lower:
            return False
    for secret in _secrets:
        if secret in words:
            return False
    return not _LONG.search(_PLAIN.sub("/", words))


def _masked(words: str) -> str:
    for secret in _secrets:
        words = words.replace(secret, HIDDEN)
    words = _ADDRESSES.sub(rf"\1{HIDDEN}", words)
    words = _LOGINS.sub(rf"\1{HIDDEN}@", words)
    words = _HEADERS.sub(rf"\1\2{HIDDEN}", words)
    words = _BEARER.sub(rf"\1 {HIDDEN}", words)
    words = _NAMED.sub(rf"\1{HIDDEN}", words)
    words = _TOKENS.sub(HIDDEN, words)
    words = _LINK_TOKENS.sub(HIDDEN, words)
    words = _NUMBERS.sub(_without_number, words)
    if _SPEAKS_OF_CODES.search(words):
        words = _CODES.sub(HIDDEN, words)
    return words


def _without_number(found: re.Match[str]) -> str:
    digits = sum(character.isdigit() for character in _NETWORK_ADDRESS.sub("", found[0]))
    is_fraction = re.fullmatch(r"\d+\.\d+", found[0])
    # A number that long in one piece is none; two with a space between are two.
    is_longer = found[0].isdigit() and digits > _MOST_DIGITS
    is_less = digits < _LEAST_DIGITS
    return found[0] if found["other"] or is_fraction or is_longer or is_less else HIDDEN


_secrets: list[str] = []


def install(secrets: Iterable[str]) -> None:
    """Mask every record of this process from now on, and what nobody catches; again without harm.

    Args:
        secrets: what is masked wherever it stands; of an address its password.
    """
    for secret in secrets:
        _secrets.extend(value for value in _values(secret) if value not in _secrets)
    _secrets.sort(key=len, reverse=True)
    if not isinstance(logging.getLogRecordFactory(), _Masking):
        logging.setLogRecordFactory(_Masking(logging.getLogRecordFactory()))
        sys.excepthook = _report
        threading.excepthook = _report_of_thread


def mask_output() -> None:
    """Mask what this process prints, too; for processes that run code of others."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, _MaskedStream):
            setattr(sys, name, _MaskedStream(stream))


class _MaskedStream:
    """A stream of text; what is written at once is masked at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, words: str) -> int:
        self._stream.write(masked(words))
        return len(words)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _values(setting: str) -> list[str]:
    """Return what is secret in a setting: all of it, or of an address the password."""
    if "://" in setting:
        password = urlsplit(setting).password or ""
        found = [password, unquote(password)]
    else:
        found = setting.split(",") if "," in setting else [setting]
    return [value for value in found if len(value) >= _LEAST_SECRET]


class _Masking:
    """Makes records of which nothing is left to mask."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(self, *arguments: Any, **more: Any) -> logging.LogRecord:
        record = self._make(*arguments, **more)
        try:
            words = record.getMessage()
        except Exception as error:  # noqa: BLE001 - else logging itself prints the arguments
            words = f"{record.msg} (its arguments do not fit: {type(error).__name__})"
        record.msg, record.args = masked(words), None
        if record.exc_info:
            record.exc_text = masked("".join(traceback.format_exception(*record.exc_info))).rstrip()
            record.exc_info = None
        if record.stack_info:
            record.stack_info = masked(record.stack_info)
        return record


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what ends a process, as Python would, masked."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        sys.stderr.write(masked("".join(traceback.format_exception(kind, error, trace))))


def _report_of_thread(arguments: threading.ExceptHookArgs) -> None:
    if not issubclass(arguments.exc_type, SystemExit) and arguments.exc_value is not None:
        _report(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
