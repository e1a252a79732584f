"""What no log may hold, however it gets into a line."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.log_filter import HIDDEN, _masked, masked

NUMBERS = (
    "+821012345678", "010-1234-5678", "01012345678", "010 1234 5678", "010.1234.5678",
    "82-10-1234-5678", "+82 (0)10 1234 5678", "(202) 555-0123", "202-555-0123", "+1 202 555 0123",
    "+44 7400 123456", "010–1234–5678", "+８２１０１２３４５６７８",
)  # fmt: skip
LEFT_ALONE = (
    "job_id=0192f0a0-1234-7abc-8123-123456789012 took 1234567 ms",
    "2026-11-25 20:33:54,967 INFO Listening at: http://127.0.0.1:8000 (192.168.100.200)",
    "Booting worker with pid: 123456",
    "send_due_notifications took 12.345678901 s, 1234567 rows",
    "text not sent code=30007",
)


_PIECES = st.one_of(
    st.sampled_from(
        [*NUMBERS, *LEFT_ALONE, *" =:,;.-_/'\"()[]", "tb_", "Pwd", "CODE", "/r/", "0."]
    ),
    st.uuids().map(str),
    st.from_regex(r"\A[0-9]{1,12}\Z"),
    st.from_regex(r"\A[\w-]{1,50}\Z"),
    st.datetimes().map(str),
    st.text(max_size=5),
)


@given(st.lists(_PIECES, max_size=12).map("".join))
def test_a_line_that_looks_plain_is_plain(line: str) -> None:
    """What is spared the masks would have come through them as it is."""
    assert masked(line) == _masked(line)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("line", ["{}", "to={}", "call {}.", "'{}', ", "tel:{}", "({})", '"{}"'])
def test_a_number_is_masked_in_any_spelling(number: str, line: str) -> None:
    """In E.164 or national, with what people put between digits."""
    said = masked(line.format(number))
    assert HIDDEN in said
    assert sum(character.isdigit() for character in said) <= 1


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("GET /r/hPq3xxxxxxxxxxxxxxxxx1?x=1", "hPq3"),
        ("Error handling request /r/abcDEFghiJKLmnoPQRstu1", "abcDEF"),
        ("POST /hooks/sms/0192f0a0-1234-7abc-8123-123456789012/3/abcDEFghiJKLmnoPQRstu1", "abcDEF"),
        ("contains=abcDEFghiJKLmnoPQRstu1", "abcDEF"),
        ("redis://:geheim@h:1/0", "geheim"),
        ("postgresql://u:p%40w0rd@h/db", "p%40w0rd"),
        ("connection failed: user=u password=geheimes host=x", "geheimes"),
        ("{'password': 'geheimes'}", "geheimes"),
        ("Cookie: session=eyJz.a.b; b=c", "eyJz"),
        ("Set-Cookie: session=eyJz.a.b; HttpOnly", "eyJz"),
        ("('Authorization', 'Bearer abcdefgh')", "abcdefgh"),
        ("Authorization: Basic dGV4dGJhY2s6eA==", "dGV4"),
        ("curl -H 'bearer tb_0123456789abcdefghijklmn'", "tb_0"),
        ("key " + "aB3-_" * 8 + "abc", "aB3"),
        ("To=%2B821012345678&Body=x", "10123"),
        ("code 123456 sent", "123456"),
        ("[123456] Textback 인증번호입니다", "123456"),
        ("@t.example #123456 is the code", "123456"),
    ],
)
def test_a_secret_is_masked(line: str, secret: str) -> None:
    """Paths, addresses, headers and codes."""
    assert secret in line
    assert secret not in masked(line)


@pytest.mark.parametrize("line", LEFT_ALONE)
def test_what_operators_need_stays(line: str) -> None:
    """Ids, times, addresses, process numbers, counts and codes of errors."""
    assert masked(line) == line


PROGRAM = """
import logging, sys, threading
from models.log_filter import install
if "unmasked" not in sys.argv:
    install(["postgresql://u:geheim%40s@h/db", "plainwords"])
logging.basicConfig(level="INFO")
log = logging.getLogger("gunicorn.error")
number = "+821012345678"
log.info("to %s with %s and %s", number, "geheim@s", "plainwords")
log.info("%(to)s", {"to": number})
log.warning("does not fit %d", number)
log.info("stack " + number, stack_info=True)
try:
    try:
        raise ValueError(number)
    except ValueError as error:
        raise OSError("again " + number) from error
except OSError:
    log.exception("broke")
thread = threading.Thread(target=lambda: int(number + "x"))
thread.start()
thread.join()
raise RuntimeError("/r/abcDEFghiJKLmnoPQRstu1 " + number)
"""


def test_arguments_tracebacks_threads_and_the_last_words_of_a_process_are_masked() -> None:
    """Whatever the handler; and the same program without the filter tells all."""
    shown = _run()
    for secret in ("1012345678", "geheim", "plainwords", "abcDEF"):
        assert secret not in shown, shown
    assert shown.count("Traceback") == 4
    assert "OSError: again" in shown
    assert "RuntimeError: /r/" in shown
    told = _run("unmasked")
    for secret in ("1012345678", "geheim@s", "plainwords", "abcDEF"):
        assert secret in told


def _run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    return done.stderr
