"""No word of a page is missing in a language, left over from before, or not compiled."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

from tasks.fetch import MESSAGES as FETCH_MESSAGES
from tasks.pictures import MESSAGES as PICTURE_MESSAGES
from tasks.providers.job_board.base import MESSAGES as SITE_MESSAGES
from tasks.registry import BUILT_IN, kinds
from webapp.i18n import LANGUAGES
from webapp.pages import words
from webapp.problems import PROBLEMS

ROOT = Path(__file__).resolve().parents[2]
TRANSLATIONS = ROOT / "webapp" / "translations"
METHODS = [
    ("pages/**.py", "python"),
    ("operator/**.py", "python"),
    ("templates/**.html", "jinja2"),
]
OTHERS = [language for language in LANGUAGES if language != "en"]


@pytest.fixture(scope="module")
def spoken() -> set[str]:
    """Every msgid of the pages, as they are now."""
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
    found = extract_from_dir(ROOT / "webapp", METHODS, keywords=keywords)
    return {message[0] if isinstance(message, tuple) else message for _, _, message, _, _ in found}


@pytest.mark.parametrize("language", OTHERS)
def test_every_word_is_translated_once(spoken: set[str], language: str) -> None:
    """Complete, nothing fuzzy, nothing stale, and every placeholder kept."""
    catalog = _catalog(language)
    known = {_first(message.id): message for message in catalog if message.id}
    assert sorted(spoken - known.keys()) == []
    assert sorted(known.keys() - spoken) == []
    assert list(catalog.obsolete) == []
    for msgid, message in known.items():
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(strings), f"not translated: {msgid}"
        assert not message.fuzzy, f"fuzzy: {msgid}"
        for string in strings:
            assert _placeholders(string) == _placeholders(msgid), msgid


@pytest.mark.parametrize("language", OTHERS)
def test_compiled_words_are_those_of_the_source(language: str) -> None:
    """The .mo that is served says what the .po says."""
    compiled = io.BytesIO()
    write_mo(compiled, _catalog(language))
    compiled.seek(0)
    with (TRANSLATIONS / language / "LC_MESSAGES" / "messages.mo").open("rb") as file:
        served = read_mo(file)
    wanted = {_first(m.id): m.string for m in read_mo(compiled) if m.id}
    assert {_first(m.id): m.string for m in served if m.id} == wanted


def test_pages_know_the_words_of_the_built_in_kinds() -> None:
    """What kinds write in English or as a code can be shown in every language."""
    assert words.ERRORS.keys() >= PICTURE_MESSAGES.keys() | FETCH_MESSAGES.keys()
    assert PROBLEMS.keys() >= PICTURE_MESSAGES.keys()
    own = [kind for kind in kinds().values() if kind.run.__module__ in BUILT_IN]
    for kind in own:
        assert words.TITLES[kind.name] == kind.title
    sources = [ROOT / (name.replace(".", "/") + ".py") for name in BUILT_IN]
    sources += (ROOT / "tasks" / "providers" / "job_board").glob("*.py")
    for stage in re.findall(r'stage ?= ?"([^"]+)"', "".join(path.read_text() for path in sources)):
        assert stage in words.STAGES
    assert set(words.SITE_TROUBLES) >= set(SITE_MESSAGES.values())


def test_every_code_a_job_can_fail_with_has_a_sentence() -> None:
    """Codes are written in tasks/; each has its sentence and its advice on the pages."""
    source = "".join(path.read_text() for path in (ROOT / "tasks").rglob("*.py"))
    codes = set(re.findall(r'(?:JobError|_fail|_retry_or_fail)\(\s*"(\w+)"', source))
    assert {"time_limit", "internal_error", "upload_gone"} <= codes
    assert codes <= words.ERRORS.keys()


def _catalog(language: str) -> Catalog:
    with (TRANSLATIONS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def _first(msgid: str | tuple[str, ...] | list[str]) -> str:
    return msgid if isinstance(msgid, str) else msgid[0]


def _placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)s|\{\w+\}", text))
