"""A connection that nobody answers on any more, though TCP thinks that it is well."""

from __future__ import annotations

import time
from contextlib import closing

import psycopg
import pytest
from faults.proxy import Proxy
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from models import Database, Settings, connection
from models.ids import new_id
from models.queries import query
from models.session import CONNECT_ARGS
from tasks.sender import Sender

PATIENCE_SECONDS = 3.0


def test_half_open_connection_is_given_up_and_replaced(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep-alives see nothing: the other end acknowledges everything and hands on nothing."""
    monkeypatch.setattr(connection, "ANSWER_SECONDS", PATIENCE_SECONDS)
    url = settings.database_url.get_secret_value()
    proxy = Proxy.to(url)
    through = settings.model_copy(update={"database_url": SecretStr(proxy.through(url))})
    database = Database(through)
    try:
        with pytest.raises(OperationalError, match="no answer"), database.worker() as transaction:
            transaction.execute(text("select 1"))
            proxy.swallow()
            began = time.monotonic()
            transaction.execute(text("select 2"))
        assert PATIENCE_SECONDS <= time.monotonic() - began < PATIENCE_SECONDS + 2
        proxy.heal()
        for way in (database.worker, database.worker_step):
            with database.worker() as transaction:
                transaction.execute(text("select 1"))
            proxy.swallow()
            with pytest.raises(OperationalError, match="no answer"), way() as transaction:
                values = {"id": new_id(), "fence": 1, "worker": "nobody"}
                transaction.execute(query("check_claim"), values).one_or_none()
            proxy.heal()
        with database.worker() as transaction:
            assert transaction.scalar(text("select 3")) == 3
    finally:
        database.dispose()
        proxy.close()


def test_sender_gives_up_a_half_open_session(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is another sender then: what holds its lock is gone."""
    monkeypatch.setattr(connection, "ANSWER_SECONDS", PATIENCE_SECONDS)
    url = settings.database_url.get_secret_value()
    with closing(Proxy.to(url)) as proxy:
        sender = Sender(settings.model_copy(update={"database_url": SecretStr(proxy.through(url))}))
        with closing(sender):
            before = sender.name()
            proxy.swallow()
            began = time.monotonic()
            with pytest.raises(psycopg.OperationalError):
                sender.name()
            # No answer, and then none to a new connection.
            assert time.monotonic() - began < PATIENCE_SECONDS + CONNECT_ARGS["connect_timeout"] + 2
            proxy.heal()
            assert sender.name() != before
