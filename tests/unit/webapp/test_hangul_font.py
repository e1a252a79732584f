"""Korean looks the same on every device: its letters come with the pages, in slices."""

from __future__ import annotations

import json
import re
from pathlib import Path

import hangul_slices
import pytest
from babel.messages.pofile import read_po
from flask import Flask, render_template_string
from hangul_slices import STATIC, expect

from webapp.i18n import LANGUAGES
from webapp.pages import templating
from webapp.pages.countries import countries

ROOT = Path(__file__).parents[3]
CATALOG = ROOT / "tasks" / "sample_catalog"


@pytest.fixture(scope="module")
def addresses() -> dict[str, str]:
    """The address of each slice, as the style sheet names it."""
    return hangul_slices.addresses()


@pytest.fixture(scope="module")
def slices() -> dict[str, list[str]]:
    """The letters for which a browser loads each slice."""
    return hangul_slices.slices()


def test_the_words_of_the_pages_come_in_two_files(slices: dict[str, list[str]]) -> None:
    """A Korean page draws nothing of its own with another font."""
    with (ROOT / "webapp/translations/ko/LC_MESSAGES/messages.po").open("rb") as file:
        messages = [message for message in read_po(file) if message.id]
    sources = [path for name in ("webapp", "tasks") for path in (ROOT / name).rglob("*.*")]
    categories = json.loads((CATALOG / "categories.json").read_text("utf-8")).values()
    words = [
        *(str(message.string) for message in messages),
        *(path.read_text("utf-8") for path in sources if path.suffix in {".py", ".html", ".js"}),
        *(category["ko"] for category in categories),
    ]
    expect(words, slices["language"] + slices["first"] + slices["pages"])


def test_an_english_page_loads_the_name_of_the_other_language(
    slices: dict[str, list[str]],
) -> None:
    """Three letters, not the words of all pages."""
    assert "".join(slices["language"]) == "국어한"
    expect(LANGUAGES.values(), slices["language"])


def test_names_of_samples_and_countries_come_in_one_more(slices: dict[str, list[str]]) -> None:
    products = json.loads((CATALOG / "products.json").read_text("utf-8"))
    names = [product["title_ko"] for product in products]
    names += [country.name for country in countries("ko")]
    expect(names, slices["language"] + slices["first"] + slices["pages"] + slices["names"])


def test_every_usual_syllable_comes_once(slices: dict[str, list[str]]) -> None:
    """Of a letter in two slices a browser would load both files."""
    letters = [letter for part in slices.values() for letter in part]
    assert len(letters) == len(set(letters))
    # Those of KS X 1001 are two bytes in EUC-KR; others are written in pieces.
    usual = [
        letter for letter in map(chr, range(0xAC00, 0xD7A4)) if len(letter.encode("euc_kr")) == 2
    ]
    assert len(usual) == 2350
    expect(usual, letters)


def test_slices_are_kept_until_they_change(addresses: dict[str, str]) -> None:
    """Each address is the one a page asks ahead for, and names a file; no file is left over."""
    for name, address in addresses.items():
        version = templating._hash(f"font/pretendard/{name}.woff2")
        assert address == f"../font/pretendard/{name}.woff2?v={version}"
    files = {path.stem for path in (STATIC / "font" / "pretendard").glob("*.woff2")}
    assert files == addresses.keys()


def test_a_korean_page_asks_for_its_words_at_once(addresses: dict[str, str]) -> None:
    """Before it has read any style sheet, and an English page does not."""
    app = Flask("webapp", root_path=str(ROOT / "webapp"))
    templating.init_templates(app)

    def asked_ahead(language: str) -> list[str]:
        page = (
            '{% extends "base.html" %}{% block zone %}{% endblock %}{% block nav %}{% endblock %}'
        )
        with app.test_request_context(headers={"Accept-Language": language}):
            found = re.findall(
                r'<link rel="preload" href="([^"]+)"', render_template_string(page, _=str)
            )
        return [address for address in found if "pretendard" in address]

    wanted = [addresses[name].replace("..", "/static") for name in ("language", "first", "pages")]
    assert asked_ahead("ko") == wanted
    assert asked_ahead("en") == []
