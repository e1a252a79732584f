"""A result as rows of a table, for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

# A spreadsheet takes a cell that begins so for a formula, and would run it.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def table_of(result: Mapping[str, Any], count: int | None = None) -> list[dict[str, Any]] | None:
    """Return the list of things in a result, or None if it has no such list.

    Of several it is the one with as many things as were counted, else the longest. What a thing
    holds inside another has both names: `price.amount`; in a list of others, too: `sites.url`.

    Args:
        result: as it is stored.
        count: how many things the answer holds, where its kind counts them.
    """
    lists = [value for value in result.values() if _is_things(value)]
    counted = [value for value in lists if len(value) == count]
    if not lists or count == 0:
        return None
    return [_flat(thing) for thing in max(counted or lists, key=len)]


def to_csv(rows: list[dict[str, Any]]) -> str:
    """Return rows as CSV (RFC 4180); with the mark by which spreadsheets know UTF-8."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    # Where some things have something inside and others nothing, the nothing needs no column.
    inside = {name.rpartition(".")[0] for name in columns}
    empty = {name for name in columns if all(row.get(name) in (None, []) for row in rows)}
    columns = [name for name in columns if not (name in inside and name in empty)]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return "\ufeff" + text.getvalue()


def _is_things(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _flat(thing: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in thing.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{name}.")
        elif _is_things(value):
            for inner in dict.fromkeys(inner for one in value for inner in one):
                flat[f"{before}{name}.{inner}"] = [one.get(inner) for one in value]
        else:
            flat[before + name] = value
    return flat


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = "; ".join("" if one is None else str(one) for one in value)
    if isinstance(value, str) and value.startswith(_FORMULAS):
        return "'" + value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
