"""Ownership, kept by the database itself: tests that try to break it."""

from __future__ import annotations

import psycopg
import pytest
from cast import Person
from factories import claim_job, make_job
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from models import BrowserSession, Database, ResultLink, Settings
from models.errors import DatabaseUnsafeError
from models.ids import new_id
from models.row_security import KEYED_TABLES, OWNED_TABLES, assert_database_is_safe


def _fill(database: Database, settings: Settings, person: Person, conn: psycopg.Connection) -> None:
    """Give a person a row in every table of persons."""
    job_id = make_job(database, settings, person.id)
    with database.owner(person.id) as session:
        BrowserSession.start(session, person.id)
        ResultLink.create(
            session,
            settings,
            job_id=job_id,
            owner_id=person.id,
            purpose="share",
            expires_at=session.scalar(text("select now() + interval '1 day'")),
        )
    given = (person.id, job_id)
    conn.execute(
        "insert into api_tokens (id, owner_id, name, secret_hash)"
        " values (gen_random_uuid(), %s, 'x', sha256(%s::text::bytea))",
        given,
    )
    conn.execute(
        "insert into verification_codes (id, owner_id, job_id, phone_hash, phone_country,"
        " phone_last_digits, expires_at)"
        " values (gen_random_uuid(), %s, %s, '\\x00', 'KR', '0000', now() + interval '1 day')",
        given,
    )
    conn.execute(
        "insert into notifications (id, owner_id, job_id, purpose)"
        " values (gen_random_uuid(), %s, %s, 'job_ended')",
        given,
    )
    conn.execute(
        "with s as (insert into saved_searches (id, owner_id, name, kind, params, question_hash,"
        " cron_lines, time_zone) values (gen_random_uuid(), %s, 'x', 'count_slowly', '{}', '\\x00',"
        " '{0 8 * * *}', 'UTC') returning id, owner_id),"
        " o as (insert into occurrences (saved_search_id, owner_id, slot_local, cron_line, due_at)"
        " select id, owner_id, now(), '0 8 * * *', now() from s)"
        " insert into sightings (saved_search_id, owner_id, key) select id, owner_id, 'x' from s",
        given[:1],
    )
    conn.execute(
        "with u as (insert into uploads (id, owner_id, media_type, size_bytes, sha256) values"
        " (gen_random_uuid(), %s, 'image/png', 1, '\\x00') returning id, owner_id)"
        " insert into upload_chunks (upload_id, owner_id, position, content)"
        " select id, owner_id, 0, '\\x00' from u",
        given[:1],
    )


def _count(session, table: str) -> int:  # type: ignore[no-untyped-def]
    return session.scalar(text(f"select count(*) from {table}"))


@pytest.mark.parametrize("table", OWNED_TABLES)
def test_the_login_alone_may_touch_nothing(settings: Settings, table: str) -> None:
    """With no role chosen the login has no right at all. Demand: 000-43, 002-32"""
    url = settings.database_url.get_secret_value()
    names = {"table": sql.Identifier(table), "owner": sql.Identifier(OWNED_TABLES[table])}
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (
            "select * from {table}",
            "delete from {table}",
            "update {table} set {owner} = {owner}",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(sql.SQL(statement).format(**names))


def test_the_web_role_without_a_person_sees_and_changes_nothing(
    database: Database,
    settings: Settings,
    person_a: Person,
    owner_connection: psycopg.Connection,
) -> None:
    """Forgetting to say who is asking shows no rows, of any table."""
    _fill(database, settings, person_a, owner_connection)
    for table, owner in OWNED_TABLES.items():
        with database._transaction("textback_web") as session:
            assert _count(session, table) == 0, table
            if table in ("job_events", "notifications", "occurrences", "sightings"):
                continue  # the web role has no right to change these at all
            column = _changeable(table, owner)
            changed = session.execute(text(f"update {table} set {column} = {column}"))
            assert changed.rowcount == 0, table


def _changeable(table: str, owner: str) -> str:
    """Return a column that a person may write; of their own row these are but a few."""
    return "locale" if table == "users" else owner


def test_nobody_makes_themselves_an_operator(database: Database, person_a: Person) -> None:
    """Not by a change, and not by coming as one; nor does anybody come back from erasing."""
    for change in ("role = 'operator'", "erased_at = null", "created_at = now()"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            database.owner(person_a.id) as session,
        ):
            session.execute(text(f"update users set {change}"))
    new = new_id()
    with pytest.raises(ProgrammingError, match="row-level security"), database.owner(new) as own:
        own.execute(text("insert into users (id, role) values (:id, 'operator')"), {"id": new})


@pytest.mark.parametrize("table", OWNED_TABLES)
def test_a_person_sees_and_changes_only_their_own_rows(
    database: Database,
    settings: Settings,
    person_a: Person,
    person_b: Person,
    owner_connection: psycopg.Connection,
    table: str,
) -> None:
    """B's rows are out of A's reach by any SQL.

    Demand: 000-43, 002-25, 002-32, 004-9, 004-11
    """
    _fill(database, settings, person_a, owner_connection)
    _fill(database, settings, person_b, owner_connection)
    owner = OWNED_TABLES[table]
    theirs = owner_connection.execute(
        sql.SQL("select count(*) from {} where {} = %s").format(
            sql.Identifier(table), sql.Identifier(owner)
        ),
        (person_b.id,),
    ).fetchone()
    assert theirs is not None and theirs[0] > 0
    with database.owner(person_a.id) as session:
        owners = session.scalars(text(f"select distinct {owner} from {table}")).all()
        assert owners == [person_a.id]
    column = _changeable(table, owner)
    for statement in (
        f"update {table} set {column} = {column} where {owner} = :b",
        f"delete from {table} where {owner} = :b",
        f"update {table} set {owner} = :b",
    ):
        try:
            with database.owner(person_a.id) as session:
                touched = session.execute(text(statement), {"b": person_b.id}).rowcount
        except (ProgrammingError, IntegrityError):
            touched = 0  # the role may not do that at all, or not hand rows away
        assert touched == 0, statement
    left = owner_connection.execute(
        sql.SQL("select count(*) from {} where {} = %s").format(
            sql.Identifier(table), sql.Identifier(owner)
        ),
        (person_b.id,),
    ).fetchone()
    assert left == theirs


def test_a_person_cannot_hang_an_event_on_somebody_elses_job(
    database: Database, settings: Settings, person_a: Person, person_b: Person
) -> None:
    """Foreign keys carry the owner along, so a child never points at a hidden parent."""
    job_id = make_job(database, settings, person_b.id)
    with pytest.raises(Exception, match="foreign key"), database.owner(person_a.id) as session:
        session.execute(
            text("insert into job_events (job_id, owner_id, event) values (:job, :me, 'x')"),
            {"job": job_id, "me": person_a.id},
        )


def test_the_gate_shows_only_what_was_presented(
    database: Database, settings: Settings, person_a: Person
) -> None:
    """Without the secret's hash the gate holds nothing; with it, one session and no other table."""
    with database.owner(person_a.id) as session:
        BrowserSession.start(session, person_a.id)
        session.flush()
        presented = session.scalar(text("select secret_hash from sessions"))
    with database.gate(b"\0" * 32) as session:
        assert _count(session, "sessions") == 0
    with database.gate(presented) as session:
        assert _count(session, "sessions") == 1
        assert _count(session, "jobs") == 0
    with pytest.raises(ProgrammingError), database.gate(presented) as session:
        _count(session, "uploads")


def test_a_link_opens_its_one_job_and_only_once_that_has_ended(
    database: Database, settings: Settings, person_a: Person
) -> None:
    """Public reading is by link and never of a running job. Demand: 000-44."""
    job_id, other_id = (make_job(database, settings, person_a.id) for _ in range(2))
    with database.owner(person_a.id) as session:
        link = ResultLink.create(
            session,
            settings,
            job_id=job_id,
            owner_id=person_a.id,
            purpose="text",
            expires_at=session.scalar(text("select now() + interval '1 day'")),
        )
    claim = claim_job(database, job_id)
    with database.gate(link.token_hash) as session:
        assert _count(session, "jobs") == 0
    for ended in (claim, claim_job(database, other_id)):
        with database.worker() as session:
            ended.succeed(session, {"counted": 1}, result_count=1)
    with database.gate(link.token_hash) as session:
        assert session.scalars(text("select id from jobs")).all() == [job_id]
    with database.owner(person_a.id) as session:
        session.execute(text("update result_links set revoked_at = now()"))
    with database.gate(link.token_hash) as session:
        assert _count(session, "jobs") == 0


def test_the_start_check_accepts_the_login_that_migrate_made(database: Database) -> None:
    """What `textback migrate` makes is what the processes accept."""
    assert_database_is_safe(database)


@pytest.mark.parametrize(
    ("harm", "repair", "told"),
    [
        ("alter role textback_app bypassrls", "alter role textback_app nobypassrls", "BYPASSRLS"),
        ("alter role textback_app superuser", "alter role textback_app nosuperuser", "superuser"),
        (
            "grant textback_web to textback_app with inherit true",
            "grant textback_web to textback_app with inherit false",
            "inherits textback_web",
        ),
        (
            "alter table jobs no force row level security",
            "alter table jobs force row level security",
            "on jobs",
        ),
        (
            "create role reporting; grant textback_operator to reporting;"
            " grant reporting to textback_app",
            "revoke reporting from textback_app; drop owned by reporting; drop role reporting",
            "inherits textback_operator",
        ),
        ("alter role textback_web bypassrls", "alter role textback_web nobypassrls", "may become"),
        (
            "revoke textback_gate from textback_app",
            "grant textback_gate to textback_app with inherit false, set true",
            "no member of textback_gate",
        ),
    ],
)
def test_the_start_check_refuses(
    database: Database, owner_connection: psycopg.Connection, harm: str, repair: str, told: str
) -> None:
    """A database that would let policies be passed by is not served."""
    owner_connection.execute(harm)
    try:
        with pytest.raises(DatabaseUnsafeError, match=told):
            assert_database_is_safe(database)
    finally:
        owner_connection.execute(repair)
    assert_database_is_safe(database)


def test_every_table_with_an_owner_is_listed_and_guarded(
    owner_connection: psycopg.Connection, settings: Settings
) -> None:
    """A new table of persons without forced row security fails here. Demand: 000-43, 000-45."""
    found = owner_connection.execute(
        "select table_name from information_schema.columns"
        " where table_schema = 'public' and column_name = 'owner_id'"
    ).fetchall()
    assert {row[0] for row in found} | {"users"} == set(OWNED_TABLES)
    policies = owner_connection.execute(
        "select tablename, cmd, roles from pg_policies where schemaname = 'public'"
    ).fetchall()
    guarded = owner_connection.execute(
        "select relname from pg_class where relrowsecurity and relforcerowsecurity"
    ).fetchall()
    assert {row[0] for row in guarded} == set(OWNED_TABLES) | set(KEYED_TABLES)
    for table in OWNED_TABLES:
        assert any(p[0] == table and p[1] == "SELECT" for p in policies), table
        assert ("ALL", ["textback_operator"]) in [(p[1], p[2]) for p in policies if p[0] == table]
