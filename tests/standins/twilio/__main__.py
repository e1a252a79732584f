"""Run the stand-in; prints its address when it listens."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

from standins.twilio.account import Account
from standins.twilio.api import Server
from standins.twilio.behaviour import Moods
from standins.twilio.handle import ACCOUNT_SID, AUTH_TOKEN
from standins.twilio.ledger import Ledger


def main() -> None:
    """Read the arguments and serve for ever."""
    parser = argparse.ArgumentParser(prog="python -m standins.twilio", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--ledger", type=Path, required=True, help="the file it writes to")
    parser.add_argument("--account-sid", default=ACCOUNT_SID)
    parser.add_argument("--auth-token", default=AUTH_TOKEN)
    parser.add_argument("--seed", type=int, help="misbehave at random, drawn from this number")
    parser.add_argument("--hang", type=float, default=Moods.hang_seconds, help="seconds")
    parser.add_argument("--lag", type=float, default=Moods.lag_seconds, help="seconds")
    parser.add_argument("--late", type=float, default=Moods.callback_seconds, help="seconds")
    parser.add_argument("--until-input-ends", action="store_true", help="end with its parent")
    given = parser.parse_args()
    account = Account(given.account_sid, given.auth_token, Ledger(given.ledger))
    if given.seed is not None:
        account.misbehave(given.seed, Moods(given.hang, given.lag, given.late))
    server = Server(given.port, account)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    if given.until_input_ends:
        threading.Thread(target=_end_with_input, daemon=True).start()
    server.serve_forever()


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
