"""A result as rows of a table, for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

# A spreadsheet takes a cell that begins so for a formula, and would run it.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def table_of(result: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the longest list of things in a result, or None if it has no such list.

    What a thing holds inside another has both names: `price.amount`.
    """
    lists = [
        value
        for value in result.values()
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value)
    ]
    return [_flat(thing) for thing in max(lists, key=len)] if lists else None


def to_csv(rows: list[dict[str, Any]]) -> str:
    """Return rows as CSV (RFC 4180); with the mark by which spreadsheets know UTF-8."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return "\ufeff" + text.getvalue()


def _flat(thing: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in thing.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{name}.")
        else:
            flat[before + name] = value
    return flat


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = "; ".join(str(one) for one in value)
    if isinstance(value, str) and value.startswith(_FORMULAS):
        return "'" + value
    return value
