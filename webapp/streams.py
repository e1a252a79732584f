"""What all our event streams have in common: how they are answered and kept open."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from flask import Response

# Proxies and phones close what is silent for longer.
PING_SECONDS = 15.0
PING = b": ping\n\n"
# When a browser whose stream broke opens it again: not all at the same moment.
_RETRY_MS = (1000, 2500)


def retry() -> bytes:
    """Return the line that tells a browser when to open a stream again that broke."""
    return b"retry: %d\n" % random.randint(*_RETRY_MS)  # noqa: S311 - nothing secret


def stream_response(pieces: Iterator[bytes], close: Callable[[], None]) -> Response:
    """Answer with a stream; `close` is called at its end, also when nobody read any of it."""
    response = Response(pieces, mimetype="text/event-stream")
    response.call_on_close(close)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx else keeps events until it has enough
    return response
