"""Results as tables for spreadsheets."""

from __future__ import annotations

import csv
import io

from webapp.tables import table_of, to_csv


def test_the_longest_list_of_things_is_the_table() -> None:
    """What is inside a thing has both names; a result without such a list is no table."""
    things = [{"name": "a", "price": {"amount": "1.50"}}, {"name": "b", "tags": ["x", "y"]}]
    result = {"words": ["a", "b", "c"], "one": [{"no": 1}], "things": things, "empty": []}
    assert table_of(result) == [
        {"name": "a", "price.amount": "1.50"},
        {"name": "b", "tags": ["x", "y"]},
    ]
    assert table_of({"words": ["a"], "count": 3, "mixed": [{"a": 1}, 2]}) is None


def test_a_spreadsheet_reads_it_and_runs_nothing() -> None:
    """Commas, quotes, lines and Korean come back as they were; a formula is words."""
    rows = [
        {"name": 'a "b", c\nd', "price": "1.50"},
        {"name": "커피 잔", "tags": ["x", "y"], "count": 3, "none": None},
        {"name": "=1+1", "price": -2},
    ]
    text = to_csv(rows)
    assert text.startswith("\ufeff")
    read = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert [row["name"] for row in read] == ['a "b", c\nd', "커피 잔", "'=1+1"]
    assert read[1]["tags"] == "x; y"
    assert (read[1]["count"], read[1]["none"], read[1]["price"]) == ("3", "", "")
    assert read[2]["price"] == "-2"


def test_things_that_were_counted_are_the_table() -> None:
    """However many others there are; where nothing was counted, nothing is a table."""
    result = {"postings": [{"title": "a"}], "sites": [{"site": "x"}, {"site": "y"}]}
    assert table_of(result, 1) == [{"title": "a"}]
    assert table_of(result, 7) == table_of(result) == [{"site": "x"}, {"site": "y"}]
    assert table_of({**result, "postings": []}, 0) is None


def test_a_list_inside_a_thing_has_a_column_for_each_part() -> None:
    """What is there for some things alone has no empty column of its own."""
    things = [
        {"title": "a", "sites": [{"label": "X", "url": None}, {"label": "Y", "url": "u"}]},
        {"title": "b", "sites": [], "pay": None},
        {"title": "c", "pay": {"min": 12.0, "max": 14.5}},
    ]
    rows = table_of({"things": things})
    assert rows is not None
    read = list(csv.reader(io.StringIO(to_csv(rows).removeprefix("\ufeff"))))
    assert read == [
        ["title", "sites.label", "sites.url", "pay.min", "pay.max"],
        ["a", "X; Y", "; u", "", ""],
        ["b", "", "", "", ""],
        ["c", "", "", "12", "14.5"],
    ]
