"""Caps of a day: what one refuses costs the others nothing, and jobs keep half."""

from __future__ import annotations

from uuid import uuid4

import psycopg
from sqlalchemy import select

from models import Database, Settings
from models.daily_counter import Cap, DailyCounter, spend
from models.phone import PhoneKeys
from models.text_caps import code_caps, text_caps


def test_what_one_cap_refuses_does_not_use_up_the_others(database: Database) -> None:
    """Whoever asks on and on with one number takes nothing of its country."""
    key = uuid4().bytes
    caps = [Cap("a_country", key, 100), Cap("b_number", key, 3), Cap("c_total", key, 100)]
    with database.operator() as session:
        outcomes = [spend(session, caps) for _ in range(10)]
        counts = session.execute(
            select(DailyCounter.scope, DailyCounter.count)
            .where(DailyCounter.key == key)
            .order_by(DailyCounter.scope)
        ).all()
    assert outcomes == [None] * 3 + [(caps[1], times) for times in range(1, 8)]
    assert [tuple(row) for row in counts] == [("a_country", 3), ("b_number", 10), ("c_total", 3)]


def test_codes_leave_half_a_day_to_texts_about_jobs(
    database: Database, settings: Settings, owner_connection: psycopg.Connection
) -> None:
    """Strangers who ask for codes from everywhere do not silence everybody's searches."""
    owner_connection.execute("delete from daily_counters")
    small = settings.model_copy(
        update={
            "texts_per_country_a_day": 10, "texts_a_day": 100, "codes_per_number_a_day": 1,
            "codes_per_address_a_day": 1,
        }
    )  # fmt: skip
    keys = PhoneKeys(small)

    def ask(number: int) -> str:
        caps = code_caps(
            small,
            keys,
            e164=f"+8210555500{number:02}",
            owner_id=uuid4(),
            address=f"10.0.0.{number}",
        )
        with database.operator() as session:
            refused = spend(session, caps)
        return refused[0].scope if refused else "sent"

    def text(number: int) -> str:
        with database.operator() as session:
            refused = spend(session, text_caps(small, keys, e164=f"+8210555500{number:02}"))
        return refused[0].scope if refused else "sent"

    assert [ask(number) for number in range(8)] == ["sent"] * 5 + ["code_country"] * 3
    assert [text(number) for number in range(8)] == ["sent"] * 5 + ["text_country"] * 3
    owner_connection.execute("delete from daily_counters")
