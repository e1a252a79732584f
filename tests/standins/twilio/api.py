"""The part of Twilio's API of 2010-04-01 that texts need, over HTTP."""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import re
import socket
import struct
import sys
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from standins.twilio.account import Account
from standins.twilio.behaviour import Behaviour
from standins.twilio.control import control
from standins.twilio.errors import error_answer
from standins.twilio.message import API_VERSION, Message

PAGE_SIZE = 50
MOST_LETTERS = 1600
_E164 = re.compile(r"^\+[1-9]\d{6,14}$")
_PATH = re.compile(
    rf"^/{API_VERSION}/Accounts/(?P<account>AC[0-9a-fA-F]{{32}})/Messages"
    r"(/(?P<sid>(SM|MM)[0-9a-fA-F]{32}))?\.json$"
)


class Server(ThreadingHTTPServer):
    """Listens on loopback; a thread a connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, account: Account) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.account = account

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of who hung up while we kept them waiting; anything else is our mistake."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Answers one request after the other of one connection."""

    protocol_version = "HTTP/1.1"
    # An answer is two writes; without this the second waits for an acknowledgement of the first.
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, *_: object) -> None:
        """Keep quiet: the ledger tells all."""

    def do_POST(self) -> None:
        self._route("POST")

    def do_GET(self) -> None:
        self._route("GET")

    def do_DELETE(self) -> None:
        self._route("DELETE")

    def _route(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length)
        if len(sent) < length:  # who asked was killed halfway
            self.close_connection = True
            return
        body = sent.decode()
        parts = urlsplit(self.path)
        if parts.path.startswith("/_stand-in/"):
            found = control(
                self.server.account,
                method,
                parts.path.removeprefix("/_stand-in/"),
                dict(parse_qsl(parts.query)),
                json.loads(body) if body else {},
            )
            self._send(*found)
            return
        match = _PATH.match(parts.path)
        account = self.server.account
        if not self._is_known():
            self._send(*error_answer(20003))
        elif match is None or match["account"] != account.sid:
            self._send(*error_answer(20404))
        elif method == "POST" and match["sid"] is None:
            self._create(dict(parse_qsl(body, keep_blank_values=True)))
        elif method == "GET" and match["sid"] is None:
            self._list(parts.path, dict(parse_qsl(parts.query)))
        elif method == "GET":
            self._fetch(match["sid"])
        elif method == "DELETE":
            self._delete(match["sid"])
        else:
            self._send(*error_answer(20404))

    # -- the calls ------------------------------------------------------------------------------

    def _create(self, values: dict[str, str]) -> None:
        account = self.server.account
        to, body = values.get("To", ""), values.get("Body", "")
        more = {name: values[name] for name in values if name not in ("To", "Body")}
        behaviour = account.treat("create", to, body, path=self.path, more=more)
        wrong = _what_is_wrong(values)
        if behaviour.answer in ("accept", "refuse") and wrong:
            behaviour = Behaviour("refuse", code=wrong)
        taken = None
        if behaviour.late:
            time.sleep(behaviour.seconds)
        if behaviour.answer == "accept" or behaviour.accepts:
            taken = account.accept(values, behaviour)
        elif behaviour.answer == "refuse":
            account.ledger.write("refused", to=to, body=body, code=behaviour.code)
        else:
            account.ledger.write("dropped", to=to, body=body, behaviour=str(behaviour))
        if not self._misbehave(behaviour) and taken is not None:
            self._send(201, taken)

    def _list(self, path: str, query: dict[str, str]) -> None:
        account = self.server.account
        if self._misbehave(account.treat("list", query.get("To", ""), query=query)):
            return
        found = [message for message in account.listed() if _matches(message, query)]
        size = min(1000, max(1, int(query.get("PageSize", PAGE_SIZE))))
        number = int(query.get("Page", 0))
        shown = found[number * size : (number + 1) * size]

        def page(page_number: int) -> str:
            asked = {**query, "PageSize": str(size), "Page": str(page_number)}
            return f"{path}?{urlencode(asked)}"

        has_more = len(found) > (number + 1) * size
        self._send(
            200,
            {
                "messages": [message.as_json() for message in shown],
                "page": number,
                "page_size": size,
                "start": number * size,
                "end": number * size + max(0, len(shown) - 1),
                "uri": page(number),
                "first_page_uri": page(0),
                "next_page_uri": page(number + 1) if has_more else None,
                "previous_page_uri": page(number - 1) if number else None,
            },
        )

    def _fetch(self, sid: str) -> None:
        account = self.server.account
        if self._misbehave(account.treat("fetch", sid=sid)):
            return
        message = account.messages.get(sid)
        self._send(*(error_answer(20404) if message is None else (200, message.as_json())))

    def _delete(self, sid: str) -> None:
        account = self.server.account
        if self._misbehave(account.treat("delete", sid=sid)):
            return
        code = account.delete(sid)
        self._send(*((204, None) if code is None else error_answer(code)))

    # -- answers --------------------------------------------------------------------------------

    def _misbehave(self, behaviour: Behaviour) -> bool:
        """Wait as told and answer, unless plainly; tell whether it is answered."""
        if behaviour.seconds and not behaviour.late:
            time.sleep(behaviour.seconds)
        if behaviour.answer == "accept":
            return False
        if behaviour.answer == "refuse":
            self._send(*error_answer(behaviour.code, behaviour.status))
        elif behaviour.answer == "throttle":
            wait = {"Retry-After": f"{behaviour.retry_after:g}"}
            self._send(*error_answer(20429), headers=wait)
        elif behaviour.answer == "fault":
            self._fault(behaviour)
        else:
            self._end(torn=behaviour.answer == "reset")
        return True

    def _fault(self, behaviour: Behaviour) -> None:
        status = behaviour.status or 500
        if status in (502, 504):  # of a gateway, which speaks HTML
            self._send(status, "<html><body>Bad gateway</body></html>")
        else:
            self._send(*error_answer(behaviour.code or (20503 if status == 503 else 20500), status))

    def _end(self, *, torn: bool) -> None:
        """End the connection without an answer, with a reset or in order."""
        if torn:
            no_wait = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_wait)
            self.rfile.close()
            self.wfile.close()
            self.connection.close()
            raise ConnectionResetError("torn down as told")
        with contextlib.suppress(OSError):  # they may have hung up first
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        is_text = isinstance(content, str)
        payload = b"" if content is None else (content if is_text else json.dumps(content)).encode()
        self.send_response(status)
        if content is not None:
            self.send_header("Content-Type", "text/html" if is_text else "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(payload)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    def finish(self) -> None:
        """End a connection that may be gone already."""
        try:
            super().finish()
        except (OSError, ValueError):
            self.close_connection = True

    def _is_known(self) -> bool:
        account = self.server.account
        pair = base64.b64encode(f"{account.sid}:{account.auth_token}".encode()).decode()
        return hmac.compare_digest(self.headers.get("Authorization", ""), f"Basic {pair}")


def _what_is_wrong(values: dict[str, str]) -> int | None:
    """Return Twilio's code for a message that says too little or too much."""
    callback = values.get("StatusCallback")
    checks = (
        (not values.get("To"), 21604),
        (not _E164.match(values.get("To", "")), 21211),
        (not (values.get("From") or values.get("MessagingServiceSid")), 21603),
        (not values.get("Body"), 21602),
        (len(values.get("Body", "")) > MOST_LETTERS, 21617),
        (callback is not None and urlsplit(callback).scheme not in ("http", "https"), 21609),
    )
    return next((code for is_wrong, code in checks if is_wrong), None)


def _matches(message: Message, query: dict[str, str]) -> bool:
    """Tell whether a message is what a list was asked for."""
    if "To" in query and query["To"] != message.to:
        return False
    if "From" in query and query["From"] != message.sender:
        return False
    asked = {name: query[name] for name in ("DateSent", "DateSent<", "DateSent>") if name in query}
    if not asked:
        return True
    if message.sent_at is None:
        return False
    sent = datetime.fromtimestamp(message.sent_at, UTC)
    for name, value in asked.items():
        moment = datetime.fromisoformat(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        fits = {
            "DateSent": moment <= sent < moment + timedelta(days=1),
            "DateSent<": sent <= moment,
            "DateSent>": sent >= moment,
        }[name]
        if not fits:
            return False
    return True
