"""Style sheets and scripts on the wire: small, and the same whoever asks."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from typing import Any

from flask import Flask
from hangul_slices import expect, slices


def test_style_sheets_and_scripts_are_compressed_and_pages_are_not(
    app: Flask, visit: Callable[..., Any]
) -> None:
    """Whoever takes gzip gets it, once read never asked for again; fonts are small already."""
    page = visit().get("/", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in page.headers
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    client = app.test_client()
    kinds = set()
    for file in files:
        plain = client.get(file, buffered=True)
        small = client.get(file, headers={"Accept-Encoding": "br, gzip"}, buffered=True)
        kind = file.partition("?")[0].rpartition(".")[2]
        if kind in {"woff2", "png"}:
            assert "Content-Encoding" not in small.headers
            assert small.data == plain.data
            continue
        kinds.add(kind)
        assert small.headers["Content-Encoding"] == "gzip", file
        assert gzip.decompress(small.data) == plain.data
        assert "Accept-Encoding" in small.headers["Vary"]
        assert "Accept-Encoding" in plain.headers["Vary"]
        assert int(small.headers["Content-Length"]) == len(small.data)
        again = client.get(
            file,
            headers={"Accept-Encoding": "gzip", "If-None-Match": small.headers["ETag"]},
            buffered=True,
        )
        assert (again.status_code, again.data) == (304, b"")
    assert {"css", "js", "svg", "webmanifest"} <= kinds


def test_the_first_korean_page_loads_the_letters_of_the_first_page(
    visit: Callable[..., Any],
) -> None:
    """Not those of all the others, which are as many again."""
    page = visit("ko").get("/").text
    expect([page], slices()["language"] + slices()["first"])
    asked_ahead = re.findall(r'rel="preload" href="[^"]*pretendard/(\w+)\.woff2', page)
    assert asked_ahead == ["language", "first"]
