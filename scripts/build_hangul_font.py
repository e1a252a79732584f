"""Make the Korean web font of the pages: slices of Pretendard, and the style sheet that names them.

The font comes from the npm package of the same name (OFL-1.1). The tools that cut it are no
packages of the project, so they lie beside the environment of `make setup-dev`:

    mkdir -p build/pretendard
    npm pack pretendard@1.3.9 --pack-destination build
    tar xzf build/pretendard-1.3.9.tgz -C build/pretendard --strip-components=1
    .venv/bin/pip install --target build/tools fonttools==4.68.0 brotli==1.2.1
    PYTHONPATH=build/tools .venv/bin/python scripts/build_hangul_font.py --package build/pretendard

Run it when our Korean words have got a new syllable; a test says so. Running it again gives the
same files. A browser loads the slices of which a page shows a letter:

    language    the names of languages, which English pages show too
    first       the other words of the first page, with the categories of the sample catalog
    pages       the words of all other pages
    names       of sample products and of countries
    rest-01 …   what else KS X 1001 has, from often to seldom used

Syllables that KS X 1001 lacks are left to the fonts of the system.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer
from jinja2 import Environment, FileSystemLoader, meta

sys.path.insert(0, str(Path(__file__).parents[1]))

from models import Settings
from webapp.i18n import LANGUAGES
from webapp.pages.countries import countries

ROOT = Path(__file__).parents[1]
# The licence reserves the name Pretendard for the font as its author made it.
FAMILY = "Textback Hangul"
WEIGHTS = (400, 800)  # what the style sheets ask for
REST_SLICES = 10
# Whose words are on the first page beside those of its templates.
FIRST_PAGE_MODULES = ("form_words.py", "photo_ask.py")
# Syllables, and the letters they are made of, alone as in ㅋㅋ.
HANGUL = re.compile("[가-힣\u3131-\u318e]")
COPYRIGHT, FAMILY_NAME, STYLE_NAME, FULL_NAME, POSTSCRIPT_NAME, LICENSE, LICENSE_ADDRESS = (
    0, 1, 2, 4, 6, 13, 14,
)  # fmt: skip
STATIC = ROOT / "webapp/static"
STYLE_SHEET = STATIC / "css/hangul.css"
FONTS = STATIC / "font/pretendard"


def language_letters() -> set[str]:
    """Return the letters of the links that change the language."""
    return hangul(LANGUAGES.values())


def first_letters() -> set[str]:
    """Return the letters of what the first page says, unless something is wrong with the form."""
    templates = Environment(
        loader=FileSystemLoader(ROOT / "webapp/templates"), extensions=["jinja2.ext.i18n"]
    )
    names, found = ["home.html"], set[str]()
    while names:
        if (name := names.pop()) in found:
            continue
        found.add(name)
        source, _, _ = templates.loader.get_source(templates, name)
        names += [one for one in meta.find_referenced_templates(templates.parse(source)) if one]
    sources = [
        *(("jinja2.ext:babel_extract", ROOT / "webapp/templates" / name) for name in found),
        *(("python", ROOT / "webapp/pages" / name) for name in FIRST_PAGE_MODULES),
    ]
    messages = {
        message for method, path in sources for _, message, _, _ in extract_from_file(method, path)
    }
    with (ROOT / "webapp/translations/ko/LC_MESSAGES/messages.po").open("rb") as file:
        catalog = read_po(file)
    categories = json.loads((ROOT / "tasks/sample_catalog/categories.json").read_text("utf-8"))
    # Unless somebody sets others, the picker of countries holds these.
    usual = Settings.model_fields["text_countries"].default.split(",")
    return hangul(
        [
            *(str(one.string) for one in catalog if one.id in messages),
            *(category["ko"] for category in categories.values()),
            *(country.name for country in countries("ko") if country.code in usual),
        ]
    )


def page_letters() -> set[str]:
    """Return the letters of what pages say, whatever was searched."""
    sources = [
        path
        for package in ("webapp", "tasks")
        for path in (ROOT / package).rglob("*.*")
        if path.suffix in {".po", ".html", ".js", ".py"}
    ]
    return hangul(
        [
            *(path.read_text("utf-8") for path in sources),
            "년월일 오전 오후",  # browsers write times with them
        ]
    )


def name_letters() -> set[str]:
    """Return the letters of what only some pages name."""
    products = json.loads((ROOT / "tasks/sample_catalog/products.json").read_text("utf-8"))
    return hangul(
        [
            *(product["title_ko"] for product in products),
            *(country.name for country in countries("ko")),
        ]
    )


def hangul(texts: Iterable[str]) -> set[str]:
    return {letter for text in texts for letter in HANGUL.findall(text)}


def standard_letters() -> set[str]:
    """Return the Hangul of KS X 1001: what phones and keyboards in Korea all know."""
    every = hangul(map(chr, range(0x3131, 0xD7A4)))
    # In EUC-KR each of them is two bytes; other syllables are written in pieces, or not at all.
    return {letter for letter in every if len(letter.encode("euc_kr", "ignore")) == 2}


def by_use(letters: set[str], package: Path) -> list[str]:
    """Return letters from often to seldom used, as the package's own slices go (last is first)."""
    style_sheet = package / "dist/web/variable/pretendardvariable-dynamic-subset.css"
    ranges = re.findall(r"unicode-range: ([^;]+);", style_sheet.read_text("utf-8"))
    rank = {}
    for place, written in enumerate(reversed(ranges)):
        for first, last in re.findall(r"U\+(\w+)(?:-(\w+))?", written):
            for code in range(int(first, 16), int(last or first, 16) + 1):
                rank[chr(code)] = place
    return sorted(letters, key=lambda letter: (rank.get(letter, len(ranges)), letter))


def slices(font: TTFont, package: Path) -> dict[str, set[str]]:
    """Return the letters of each slice by its name; none is in two."""
    parts = {
        "language": language_letters(),
        "first": first_letters(),
        "pages": page_letters(),
        "names": name_letters(),
    }
    taken: set[str] = set()
    for name, letters in parts.items():
        parts[name] = letters - taken
        taken |= letters
    drawn = {chr(code) for code in font.getBestCmap()}
    if missing := taken - drawn:
        raise SystemExit(f"Pretendard does not draw {''.join(sorted(missing))}")
    rest = by_use((standard_letters() & drawn) - taken, package)
    size = -(-len(rest) // REST_SLICES)
    for number in range(REST_SLICES):
        parts[f"rest-{number + 1:02}"] = set(rest[number * size : (number + 1) * size])
    return parts


def keep(font: TTFont, letters: set[str]) -> TTFont:
    """Take everything but these letters out of a font."""
    options = subset.Options(
        hinting=False,
        layout_features=[],  # no two letters of Hangul are drawn together
        name_IDs=[COPYRIGHT, LICENSE, LICENSE_ADDRESS],
        notdef_outline=False,
    )
    options.drop_tables += ["GPOS", "GSUB", "STAT"]
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(sorted(letters)))
    cutter.subset(font)
    return font


def slice_of(font: bytes, letters: set[str]) -> bytes:
    """Return a font of these letters alone, as WOFF2."""
    cut = keep(TTFont(io.BytesIO(font), recalcTimestamp=False), letters)
    for number, name in (
        (FAMILY_NAME, FAMILY),
        (STYLE_NAME, "Regular"),
        (FULL_NAME, FAMILY),
        (POSTSCRIPT_NAME, FAMILY.replace(" ", "")),
    ):
        cut["name"].setName(name, number, 3, 1, 0x409)
    cut.flavor = "woff2"
    written = io.BytesIO()
    cut.save(written)
    return written.getvalue()


def font_face(name: str, font: bytes, letters: set[str]) -> str:
    """Return the rule that names a slice, by an address that changes with its content."""
    version = hashlib.sha256(font).hexdigest()[:12]
    return f"""
@font-face {{
  font-family: "{FAMILY}";
  src: url("../font/pretendard/{name}.woff2?v={version}") format("woff2");
  font-weight: {WEIGHTS[0]} {WEIGHTS[1]};
  font-display: swap;
  unicode-range: {unicode_range(letters)};
}}
"""


def unicode_range(letters: set[str]) -> str:
    """Return letters as CSS names them, without spaces: there are thousands."""
    runs: list[list[int]] = []
    for code in sorted(map(ord, letters)):
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return ",".join(
        f"U+{first:X}" if first == last else f"U+{first:X}-{last:X}" for first, last in runs
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--package", type=Path, required=True, help="unpacked pretendard")
    package: Path = parser.parse_args().package
    whole = TTFont(package / "dist/public/variable/PretendardVariable.ttf", recalcTimestamp=False)
    parts = slices(whole, package)
    whole["fvar"].instances = []  # named weights, for menus of programs
    # Narrowed once for all slices: it takes longest.
    narrow = io.BytesIO()
    instancer.instantiateVariableFont(
        keep(whole, set().union(*parts.values())), {"wght": WEIGHTS}
    ).save(narrow)

    for former in FONTS.glob("*.woff2"):
        former.unlink()
    FONTS.mkdir(parents=True, exist_ok=True)
    rules = [
        f"/* {FAMILY} is Pretendard 1.3.9, cut into slices by scripts/build_hangul_font.py. */\n"
    ]
    for name, letters in parts.items():
        font = slice_of(narrow.getvalue(), letters)
        (FONTS / f"{name}.woff2").write_bytes(font)
        rules.append(font_face(name, font, letters))
        print(f"{name:10} {len(letters):5} letters {len(font):7} bytes")
    STYLE_SHEET.write_text("".join(rules), "utf-8")


if __name__ == "__main__":
    main()
