"""Callbacks: signed as Twilio signs, posted when they are due."""

from __future__ import annotations

import base64
import heapq
import hmac
import itertools
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

# Source: Twilio's page of connection overrides (defaults of ct + rt, and rc with rp=ct).
READ_SECONDS = 15
CONNECTIONS_TRIED = 2


def signature(auth_token: str, url: str, fields: Mapping[str, str]) -> str:
    """Return X-Twilio-Signature for a POST of these fields to this address.

    Source:
        https://www.twilio.com/docs/usage/security, "Validating requests".
    """
    text = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.digest(auth_token.encode(), text.encode(), "sha1")).decode()


def post(url: str, fields: Mapping[str, str], sign: str | None) -> int:
    """Post a form and return the status that came back, 0 for none."""
    headers = {"User-Agent": "TwilioProxy/1.1", "I-Twilio-Idempotency-Token": "stand-in"}
    if sign is not None:
        headers["X-Twilio-Signature"] = sign
    request = urllib.request.Request(url, urlencode(fields).encode(), headers, method="POST")
    for _ in range(CONNECTIONS_TRIED):
        try:
            with urllib.request.urlopen(request, timeout=READ_SECONDS) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except urllib.error.URLError:
            continue  # it could not connect
        except OSError:
            return 0
    return 0


class Diary:
    """Does things at their time: one thread that waits, and some that do what may take long."""

    def __init__(self, workers: int = 8) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._workers = ThreadPoolExecutor(workers)
        threading.Thread(target=self._run, name="diary", daemon=True).start()

    def at(self, when: float, do: Callable[[], None]) -> None:
        """Do this at `when`, in seconds of the monotonic clock."""
        with self._changed:
            heapq.heappush(self._due, (when, next(self._numbers), do))
            self._changed.notify()

    def forget(self) -> None:
        """Drop what has not been done."""
        with self._changed:
            self._due.clear()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._due or self._due[0][0] > time.monotonic():
                    wait = self._due[0][0] - time.monotonic() if self._due else None
                    self._changed.wait(wait)
                _, _, do = heapq.heappop(self._due)
            self._workers.submit(do)
