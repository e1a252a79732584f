"""The stand-in as a test holds it: starts the process, tells it what to do, reads its ledger."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import urlencode

from standins.twilio.behaviour import Behaviour
from standins.twilio.ledger import accepted_texts, read_ledger

TESTS = Path(__file__).resolve().parents[2]
ACCOUNT_SID = "AC" + "0" * 31 + "1"
AUTH_TOKEN = "only-for-the-stand-in"
FROM = "+12025550100"  # 555-01xx belongs to nobody: kept free for fiction
WAIT_SECONDS = 30.0


class TwilioStandIn:
    """A running stand-in.

    Attributes:
        url: for TWILIO_BASE_URL.
        ledger: its file.
    """

    def __init__(self, url: str, ledger: Path) -> None:
        """Talk to one that runs; `start` starts one."""
        self.url = url
        self.ledger = ledger
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, ledger: Path, *arguments: str) -> Self:
        """Start one on a free port and wait until it listens. It ends when we do."""
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "standins.twilio", "--port", "0"),
                *("--ledger", str(ledger), "--until-input-ends"),
                *arguments,
            ],
            cwd=TESTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        assert url.startswith("http://"), "the stand-in did not start"
        stand_in = cls(url, ledger)
        stand_in._process = process
        return stand_in

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    @property
    def environment(self) -> dict[str, str]:
        """Settings with which the product texts through it."""
        return {
            "SMS_PROVIDER": "twilio",
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_FROM": FROM,
            "TWILIO_BASE_URL": self.url,
        }

    # -- orders ---------------------------------------------------------------------------------

    def script(
        self,
        behaviour: Behaviour,
        *,
        call: str = "create",
        to: str | None = None,
        body: str | None = None,
        times: int | None = 1,
    ) -> None:
        """Treat the next requests that fit like this; see Rule in account.py."""
        rule = {"call": call, "to": to, "body": body, "times": times}
        self._ask("POST", "script", rule | {"behaviour": behaviour.as_json()})

    def otherwise(self, behaviour: Behaviour) -> None:
        """Treat messages for which no script is left like this."""
        self._ask("POST", "otherwise", behaviour.as_json())

    def misbehave(self, seed: int, **moods: float) -> None:
        """Draw from a seed how requests are treated; see Moods in behaviour.py."""
        self._ask("POST", "misbehave", {"seed": seed, **moods})

    def forget(self) -> None:
        """Forget all messages, scripts and who opted out; the ledger stays."""
        self._ask("POST", "forget")

    def callback(
        self,
        sid: str,
        status: str,
        *,
        code: int | None = None,
        url: str | None = None,
        fields: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> int:
        """Post a callback about a message now and return the status it was answered with.

        Args:
            sid: whose; it tells the address, unless `url` does.
            status: MessageStatus.
            code: ErrorCode.
            url: another address.
            fields: more fields, or others in their place.
            token: sign with this one; empty leaves the signature out.
        """
        order = {"sid": sid, "status": status, "code": code, "url": url, "token": token}
        return int(self._ask("POST", "callback", order | {"fields": dict(fields or {})})["answer"])

    def inbound(
        self, body: str, *, from_: str, url: str, to: str = FROM, token: str | None = None
    ) -> int:
        """Receive a text from a person and post it to the webhook; STOP and START count."""
        order = {"body": body, "from": from_, "to": to, "url": url, "token": token}
        return int(self._ask("POST", "inbound", order)["answer"])

    # -- looking --------------------------------------------------------------------------------

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What was taken and not deleted, oldest first; as the API shows it + status_callback."""
        return self._wait("messages", 0, 0)

    @property
    def requests(self) -> list[dict[str, Any]]:
        """What was asked: call, to, body, treated, and more of each call."""
        return self._wait("requests", 0, 0)

    @property
    def callbacks(self) -> list[dict[str, Any]]:
        """What was posted: url, fields, answer (0: none)."""
        return self._wait("callbacks", 0, 0)

    def wait_messages(self, count: int, seconds: float = WAIT_SECONDS) -> list[dict[str, Any]]:
        """Return the messages as soon as there are so many."""
        return self._wait("messages", count, seconds)

    def wait_requests(self, count: int, seconds: float = WAIT_SECONDS) -> list[dict[str, Any]]:
        """Return the requests as soon as there are so many."""
        return self._wait("requests", count, seconds)

    def wait_callbacks(self, count: int, seconds: float = WAIT_SECONDS) -> list[dict[str, Any]]:
        """Return the callbacks as soon as so many were answered, or not."""
        return self._wait("callbacks", count, seconds)

    def ledger_lines(self) -> list[dict[str, Any]]:
        """Return the whole ledger."""
        return read_ledger(self.ledger)

    def accepted(self) -> list[dict[str, Any]]:
        """Return the ledger's lines of what was ever taken."""
        return accepted_texts(self.ledger)

    def _wait(self, name: str, count: int, seconds: float) -> list[dict[str, Any]]:
        query = urlencode({"count": count, "seconds": seconds})
        try:
            found: list[dict[str, Any]] = self._ask("GET", f"{name}?{query}")[name]
        except HTTPError as error:
            if error.code != 408:
                raise
            came = json.loads(error.read())[name]
            raise AssertionError(f"waited for {count} {name}, there are {came}") from None
        return found

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_stand-in/{path}", content, method=method)
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS + 60) as answer:
            found: dict[str, Any] = json.load(answer)
        return found
