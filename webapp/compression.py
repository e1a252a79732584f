"""Our own style sheets and scripts, compressed. Pages are not: a page holds secrets beside words
that others may choose, and the length of the two compressed together would tell of the secrets.
"""

from __future__ import annotations

import gzip
from functools import lru_cache

from flask import Flask, Response, request

_TYPES = frozenset(
    {
        "application/javascript",
        "application/manifest+json",
        "image/svg+xml",
        "text/css",
        "text/javascript",
    }
)
# All of ours together are fewer and smaller.
_FILES = 64


def init_compression(app: Flask) -> None:
    """Answer with gzip whoever takes it."""

    @app.after_request
    def compress(response: Response) -> Response:
        if request.endpoint != "static" or response.mimetype not in _TYPES:
            return response
        response.vary.add("Accept-Encoding")
        if response.status_code != 200 or not request.accept_encodings.quality("gzip"):
            return response
        response.direct_passthrough = False
        response.set_data(_gzip(response.get_data()))
        response.headers["Content-Encoding"] = "gzip"
        tag, _ = response.get_etag()
        if tag is not None:
            # The same content, not the same bytes.
            response.set_etag(tag, weak=True)
        return response


@lru_cache(maxsize=_FILES)
def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, compresslevel=9, mtime=0)
