"""A connection that nobody answers on any more, though TCP thinks that it is well."""

from __future__ import annotations

import time

import pytest
from faults.proxy import Proxy
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from models import Database, Settings, connection
from models.ids import new_id
from models.queries import query

PATIENCE_SECONDS = 1.0


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
