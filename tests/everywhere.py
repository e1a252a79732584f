"""Looks for words wherever a running product may leave them: files, pages, Redis, the database."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import phonenumbers
import psycopg
import redis
from psycopg import sql

_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s().\-\u00a0\u2010-\u2015]{1,3}(?=\d)")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}={0,2}")


@dataclass(frozen=True, slots=True)
class Found:
    """One word in one place."""

    what: str
    where: str


class Wanted:
    """What must be nowhere: a number in any spelling, words as they are, codes by themselves."""

    def __init__(
        self, *, numbers: Iterable[str] = (), codes: Iterable[str] = (), **words: str
    ) -> None:
        """`numbers` are in E.164; `words` are e.g. `token="tb_…"`."""
        self._words = words
        self._codes = [re.compile(rf"(?<![\d.]){re.escape(code)}(?!\d)") for code in codes]
        # However it is written, the national number is in it once what stands between is gone.
        self._numbers = [str(phonenumbers.parse(one).national_number) for one in numbers]

    def found_in(self, content: bytes) -> Iterator[str]:
        """Yield what is found in bytes, as text in two ways and within base64."""
        for raw in (content, *_decoded(content)):
            text = raw.decode("latin-1")
            yield from self._found_in_text(text)
            if not raw.isascii():
                yield from self._found_in_text(raw.decode("utf-8", "ignore"))

    def _found_in_text(self, text: str) -> Iterator[str]:
        for name, word in self._words.items():
            if word in text:
                yield name
        digits = _BETWEEN_DIGITS.sub("", text)
        yield from ("number" for number in self._numbers if number in digits)
        spelled = _UUID.sub("", text)  # any digits may be in one
        yield from ("code" for code in self._codes if code.search(spelled))


def _decoded(content: bytes) -> Iterator[bytes]:
    for run in _BASE64.findall(content):
        stripped = run.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        try:
            yield base64.b64decode(stripped + b"=" * (-len(stripped) % 4))
        except binascii.Error:
            continue


def in_files(wanted: Wanted, paths: Iterable[Path]) -> list[Found]:
    """Look into files."""
    return [
        Found(what, str(path))
        for path in paths
        if path.is_file()
        for what in wanted.found_in(path.read_bytes())
    ]


def in_pages(wanted: Wanted, pages: Mapping[str, bytes]) -> list[Found]:
    """Look into pages by their addresses."""
    return [
        Found(what, address) for address, page in pages.items() for what in wanted.found_in(page)
    ]


def in_redis(wanted: Wanted, client: redis.Redis) -> list[Found]:  # type: ignore[type-arg]
    """Look into every key and every value, whatever its type."""
    return [
        Found(what, f"redis {key!r}")
        for key in client.scan_iter()
        for part in (key, *_values(client, key))
        for what in wanted.found_in(part)
    ]


def _values(client: Any, key: bytes) -> list[bytes]:
    kind = client.type(key)
    if kind == b"string":
        return [client.get(key) or b""]
    if kind == b"list":
        return list(client.lrange(key, 0, -1))
    if kind == b"set":
        return list(client.smembers(key))
    if kind == b"zset":
        return list(client.zrange(key, 0, -1))
    if kind == b"hash":
        return [part for pair in client.hgetall(key).items() for part in pair]
    if kind == b"stream":
        return [repr(client.xrange(key)).encode()]
    if kind == b"none":  # gone since it was listed
        return []
    raise AssertionError(f"a key of type {kind!r}")


def in_database(wanted: Wanted, connection: psycopg.Connection) -> list[Found]:
    """Look into every column of every row of every table, as who may see all."""
    tables = connection.execute(
        "select schemaname, tablename from pg_tables"
        " where schemaname not in ('pg_catalog', 'information_schema') order by 1, 2"
    ).fetchall()
    assert len(tables) > 10, "that is not the product's database"
    found = []
    for schema, table in tables:
        cursor = connection.execute(
            sql.SQL("select * from {}").format(sql.Identifier(schema, table))
        )
        assert cursor.description is not None
        names = [column.name for column in cursor.description]
        for row in cursor:
            for name, value in zip(names, row, strict=True):
                found += [Found(what, f"{table}.{name}") for what in wanted.found_in(_bytes(value))]
    return found


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str).encode()
    return str(value).encode()
