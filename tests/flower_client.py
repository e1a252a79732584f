"""What Flower answers to somebody who has its password."""

from __future__ import annotations

import urllib.request
from base64 import b64encode


def ask_flower(port: int, path: str) -> bytes | None:
    """Return what is at a path, or None while Flower does not answer."""
    login = b64encode(b"textback:flower-password").decode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Basic {login}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return bytes(answer.read())
    except OSError:
        return None
