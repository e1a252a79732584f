"""What is left and who is before: the server and the open page say it in the same words."""

from __future__ import annotations

from typing import Any

import pytest
from browser_steps import Meet, Product

from webapp.pages.waiting import place_in_line, time_left

pytestmark = pytest.mark.browser

WORDS = {
    "next": "next",
    "place_one": "{place}st",
    "place_two": "{place}nd",
    "place_few": "{place}rd",
    "place_other": "{place}th",
    "learning": "learning",
    "soon": "soon",
    "longer": "longer",
    **{
        f"{unit}{form}": f"{words} {short}"
        for unit, short in (("seconds", "s"), ("minutes", "min"), ("hours", "h"))
        for form, words in (("", "{low}-{high}"), ("_one", "{high}"), ("_most", "<{high}"))
    },
}
RUNNING = {"status": "running", "attempt": 1}
NOTHING = {"eta_seconds": None, "eta_low": None, "eta_high": None, "eta_learning": False}
LEFT: list[tuple[dict[str, Any], str]] = [
    ({"eta_low": 20, "eta_high": 40}, "20-40 s"),
    ({"eta_low": 18, "eta_high": 36}, "20-40 s"),
    ({"eta_low": 20, "eta_high": 20}, "20 s"),
    ({"eta_low": 0, "eta_high": 7}, "<10 s"),
    ({"eta_low": 2, "eta_high": 90}, "<90 s"),
    ({"eta_low": 55, "eta_high": 91}, "1-2 min"),
    ({"eta_low": 20, "eta_high": 170}, "<3 min"),
    ({"eta_low": 600, "eta_high": 600}, "10 min"),
    ({"eta_low": 4000, "eta_high": 9000}, "1-3 h"),
    ({"eta_low": 0, "eta_high": 0}, "soon"),
    ({"eta_learning": True}, "learning"),
    ({"eta_learning": True, "eta_seconds": 33}, "35 s"),
    ({"eta_seconds": 0}, "soon"),
    ({}, "longer"),
    ({"attempt": 2}, ""),
    ({"status": "queued"}, ""),
]
PLACES = {
    None: "",
    1: "next",
    2: "2nd",
    3: "3rd",
    4: "4th",
    11: "11th",
    12: "12th",
    21: "21st",
    103: "103rd",
}


def test_both_say_the_same(meet: Meet, product: Product) -> None:
    """A guess is told in steps, in the unit that fits, and nothing is told that is not known."""
    jobs = [{**RUNNING, **NOTHING, **job} for job, _ in LEFT]
    assert [time_left(job, WORDS) for job in jobs] == [said for _, said in LEFT]
    assert {place: place_in_line(place, WORDS) for place in PLACES} == PLACES
    page = meet().page()
    told, placed = page.evaluate(
        """async ([jobs, places, words]) => {
            const { timeLeft, placeInLine } = await import("/static/js/waiting.js");
            return [
                jobs.map((job) => timeLeft(job, words)),
                places.map((place) => placeInLine(place, words)),
            ];
        }""",
        [jobs, list(PLACES), WORDS],
    )
    assert told == [said for _, said in LEFT]
    assert placed == list(PLACES.values())


def test_open_page_counts_down(meet: Meet, product: Product) -> None:
    """Between two words of the server the range shrinks; it never goes below nothing."""
    page = meet().page()
    told = page.evaluate(
        """async ([job, words]) => {
            const { timeLeft } = await import("/static/js/waiting.js");
            return [0, 10, 25, 60].map((passed) => timeLeft(job, words, passed));
        }""",
        [{**RUNNING, **NOTHING, "eta_low": 20, "eta_high": 40}, WORDS],
    )
    assert told == ["20-40 s", "10-30 s", "<15 s", "soon"]
