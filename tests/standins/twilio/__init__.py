"""A stand-in for Twilio: its messages API as a process of its own, which misbehaves as told.

The real library speaks to it (TWILIO_BASE_URL). What reached it stands in a ledger, a file with an
fsync for each line, which no crash of the product can touch: the witness of "one text per job".

    python -m standins.twilio --port 8123 --ledger texts.jsonl            # in tests/
    python -m standins.twilio --port 0 --ledger texts.jsonl --seed 7      # misbehaves at random

From a test (there is a fixture `twilio`, one process for all tests, fresh for each):

    def test_lost_reply(twilio: TwilioStandIn) -> None:
        twilio.script(Behaviour("reset", accepts=True))          # the next message
        twilio.script(Behaviour("refuse", code=21610), to="+821012345678", times=None)
        twilio.script(Behaviour("fault", status=503), call="list")
        twilio.otherwise(Behaviour(fate="undelivered", fate_code=30005, callbacks="doubled"))
        ...                                                       # **twilio.environment
        (message,) = twilio.wait_messages(1)                      # what was taken
        twilio.callback(message["sid"], "delivered")              # by hand, forged if need be
        twilio.inbound("STOP", from_="+821012345678", url=...)    # refused (21610) from now on

What it can do with a message (`Behaviour`, behaviour.py):

    accept                 201; `seconds` late if asked
    refuse                 a 4xx with Twilio's `code` (errors.py)
    throttle               429 (20429) with Retry-After
    fault                  500, 502, 503 or 504; `accepts`: after the message was taken
    hang                   no answer for `seconds`; `accepts` as above
    reset                  the connection is torn down (RST); `accepts` as above
    close                  the connection ends in order, without a reply; `accepts` as above
    late                   taken only after `seconds`, when the client may have given up
    listed_after           not in the list for so many seconds, though taken
    fate, fate_code        what becomes of it: delivered, undelivered, failed, sent, queued
    callbacks              once, doubled, disordered, never; `callback_after` seconds late

Callbacks are signed as Twilio signs: base64 of HMAC-SHA1, with the auth token, over the address and
each field in order of its name. One that cannot connect is tried once more, as Twilio does.

Kept from the real one: a message by a Messaging Service begins `accepted` with 0 segments, one by
number `queued`; DateSent is empty until it was sent, so a filter by it finds no queued message; the
list comes newest first, in pages; a message under way cannot be deleted (20009); STOP from a number
refuses it (21610) until START; a wrong token is a 401 (20003). Not kept: prices, media, schedules.

The ledger's lines, each with `at` (seconds since the epoch) and `what`:

    accepted   sid, to, from, body, callback, behaviour      refused   to, body, code
    dropped    to, body, behaviour (never taken)             deleted   sid
    status     sid, status, code                             callback  sid, status, url, answer
"""

from standins.twilio.behaviour import Behaviour
from standins.twilio.handle import ACCOUNT_SID, AUTH_TOKEN, TwilioStandIn
from standins.twilio.ledger import accepted_texts, read_ledger

__all__ = [
    "ACCOUNT_SID",
    "AUTH_TOKEN",
    "Behaviour",
    "TwilioStandIn",
    "accepted_texts",
    "read_ledger",
]
