"""Which tables belong to people, and the check that no login can see past its policies."""

from __future__ import annotations

from sqlalchemy import text

from models.errors import DatabaseUnsafeError
from models.session import Database

# Table -> the column that names its person. Migrations carry frozen copies; tests compare.
OWNED_TABLES = {
    "users": "id",
    "sessions": "owner_id",
    "api_tokens": "owner_id",
    "verification_codes": "owner_id",
    "jobs": "owner_id",
    "job_events": "owner_id",
    "uploads": "owner_id",
    "upload_chunks": "owner_id",
    "result_links": "owner_id",
    "notifications": "owner_id",
    "saved_searches": "owner_id",
    "occurrences": "owner_id",
    "sightings": "owner_id",
}
# Tables whose rows belong to nobody and are found by a keyed hash.
KEYED_TABLES = ("suppressions",)

ROLES = ("textback_web", "textback_gate", "textback_worker", "textback_operator")

# Whatever the login is or may become, directly or by way of other roles, counts.
_ABOVE_POLICIES = text(
    "select rolname from pg_roles where (rolsuper or rolbypassrls) "
    "and pg_has_role(session_user, oid, 'MEMBER') order by rolname <> session_user, rolname"
)
_MISSING = text(
    "select r from unnest(cast(:roles as text[])) as r where not exists "
    "(select 1 from pg_roles where rolname = r and pg_has_role(session_user, oid, 'SET'))"
)
_INHERITED = text(
    "select rolname from pg_roles where rolname = any(:roles) "
    "and pg_has_role(session_user, oid, 'USAGE') order by rolname"
)
_TABLES = text(
    "select c.relname, c.relrowsecurity and c.relforcerowsecurity as guarded, "
    "pg_has_role(session_user, c.relowner, 'MEMBER') as owned "
    "from pg_class c join pg_namespace n on n.oid = c.relnamespace "
    "where n.nspname = current_schema() and c.relname = any(:tables)"
)


def assert_database_is_safe(database: Database) -> None:
    """Refuse to serve with a login that row level security does not bind.

    Raises:
        DatabaseUnsafeError: says what is wrong and what would be right.
    """
    with database.engine.connect() as connection:
        login = connection.scalar(text("select session_user"))
        above = connection.scalar(_ABOVE_POLICIES)
        inherited = connection.scalars(_INHERITED, {"roles": list(ROLES)}).all()
        missing = connection.scalars(_MISSING, {"roles": list(ROLES)}).all()
        tables = connection.execute(_TABLES, {"tables": [*OWNED_TABLES, *KEYED_TABLES]}).all()
    if above is not None:
        raise DatabaseUnsafeError(
            f"DATABASE_URL: the login {login} is, or may become, {above}, which is a superuser or "
            "has BYPASSRLS, so row level security would not bind it. Use a login without both; "
            "`textback migrate` makes one."
        )
    if missing:
        raise DatabaseUnsafeError(
            f"DATABASE_URL: the login {login} is no member of {', '.join(missing)}. "
            "Run `textback migrate` with MIGRATION_DATABASE_URL set."
        )
    if inherited:
        raise DatabaseUnsafeError(
            f"DATABASE_URL: the login {login} inherits {', '.join(inherited)}. Grant each WITH "
            "INHERIT FALSE, SET TRUE; `textback migrate` does it."
        )
    absent = sorted({*OWNED_TABLES, *KEYED_TABLES} - {name for name, _, _ in tables})
    if absent:
        raise DatabaseUnsafeError(
            f"The database has no table {', '.join(absent)}. Run `textback migrate`."
        )
    open_tables = sorted(name for name, guarded, owned in tables if owned or not guarded)
    if open_tables:
        raise DatabaseUnsafeError(
            f"Row level security does not bind {login} on {', '.join(open_tables)}: it must be "
            "enabled and forced, and the login must not own the table."
        )
