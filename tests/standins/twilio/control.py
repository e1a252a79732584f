"""What a test tells the stand-in and asks of it: paths under /_stand-in/."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from standins.twilio.account import Account, Rule
from standins.twilio.behaviour import Behaviour, Moods

Found = tuple[int, Any]


def control(
    account: Account, method: str, path: str, query: Mapping[str, str], body: dict[str, Any]
) -> Found:
    """Obey one order.

    POST script      {call?, to?, body?, times?, behaviour}
    POST otherwise   {a behaviour}
    POST misbehave   {seed, hang_seconds?, lag_seconds?, callback_seconds?}
    POST callback    {sid, status, code?, url?, fields?, token?} → {answer}
    POST inbound     {url, from, to, body, token?} → {answer}
    POST forget
    GET  messages | requests | callbacks   ?count=&seconds=: as soon as there are so many, else 408
    """
    order = _ORDERS.get((method, path))
    if order is None:
        return 404, {"message": f"There is no {method} {path}."}
    return order(account, query, body)


def _script(account: Account, _: Mapping[str, str], body: dict[str, Any]) -> Found:
    behaviour = Behaviour.from_json(body.pop("behaviour"))
    account.script(Rule(behaviour, **body))
    return 200, {}


def _otherwise(account: Account, _: Mapping[str, str], body: dict[str, Any]) -> Found:
    account.otherwise(Behaviour.from_json(body))
    return 200, {}


def _misbehave(account: Account, _: Mapping[str, str], body: dict[str, Any]) -> Found:
    account.misbehave(body.pop("seed"), Moods(**body))
    return 200, {}


def _forget(account: Account, _: Mapping[str, str], __: dict[str, Any]) -> Found:
    account.forget()
    return 200, {}


def _callback(account: Account, _: Mapping[str, str], body: dict[str, Any]) -> Found:
    message = account.messages[body["sid"]]
    fields = message.callback_fields(body["status"], body.get("code")) | body.get("fields", {})
    answer = account.post(
        body.get("url") or message.callback or "",
        fields,
        token=body.get("token"),
        sid=message.sid,
        status=body["status"],
    )
    return 200, {"answer": answer}


def _inbound(account: Account, _: Mapping[str, str], body: dict[str, Any]) -> Found:
    words = body["body"].strip().upper()
    fields = {
        "AccountSid": account.sid,
        "ApiVersion": "2010-04-01",
        "Body": body["body"],
        "From": body["from"],
        "MessageSid": "SM" + f"{time.time_ns():032x}",
        "NumMedia": "0",
        "NumSegments": "1",
        "To": body["to"],
    }
    # Source: Twilio's default words of opting out and in, for numbers and Messaging Services.
    with account.changed:
        if words in ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"):
            account.opted_out.add(body["from"])
            fields["OptOutType"] = "STOP"
        elif words in ("START", "YES", "UNSTOP"):
            account.opted_out.discard(body["from"])
            fields["OptOutType"] = "START"
    answer = account.post(body["url"], fields, token=body.get("token"), status="received")
    return 200, {"answer": answer}


def _wait(name: str, look: Callable[[Account], list[Any]]) -> Callable[..., Found]:
    def wait(account: Account, query: Mapping[str, str], _: dict[str, Any]) -> Found:
        count, seconds = int(query.get("count", 0)), float(query.get("seconds", 0))
        with account.changed:
            has_come = account.changed.wait_for(lambda: len(look(account)) >= count, seconds)
            return 200 if has_come else 408, {name: look(account)}

    return wait


_ORDERS: dict[tuple[str, str], Callable[..., Found]] = {
    ("POST", "script"): _script,
    ("POST", "otherwise"): _otherwise,
    ("POST", "misbehave"): _misbehave,
    ("POST", "forget"): _forget,
    ("POST", "callback"): _callback,
    ("POST", "inbound"): _inbound,
    ("GET", "messages"): _wait(
        "messages",
        lambda account: [
            message.as_json() | {"status_callback": message.callback}
            for message in account.messages.values()
        ],
    ),
    ("GET", "requests"): _wait("requests", lambda account: list(account.requests)),
    ("GET", "callbacks"): _wait("callbacks", lambda account: list(account.callbacks)),
}
