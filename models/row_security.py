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
    "jobs": "owner_id",
    "job_events": "owner_id",
    "uploads": "owner_id",
    "upload_chunks": "owner_id",
    "result_links": "owner_id",
    "notifications": "owner_id",
}

ROLES = ("textback_web", "textback_gate", "textback_worker", "textback_operator")

_LOGIN = text("select rolname, rolsuper, rolbypassrls from pg_roles where rolname = session_user")
_INHERITED = text(
    "select r.rolname from pg_auth_members m join pg_roles r on r.oid = m.roleid "
    "join pg_roles l on l.oid = m.member "
    "where l.rolname = session_user and (m.inherit_option or not m.set_option) "
    "and r.rolname = any(:roles)"
)
_MISSING = text(
    "select r from unnest(cast(:roles as text[])) as r where not exists (select 1 from "
    "pg_auth_members m join pg_roles g on g.oid = m.roleid join pg_roles l on l.oid = m.member "
    "where l.rolname = session_user and g.rolname = r)"
)
_TABLES = text(
    "select c.relname, c.relrowsecurity and c.relforcerowsecurity as guarded, "
    "pg_get_userbyid(c.relowner) = session_user as owned "
    "from pg_class c join pg_namespace n on n.oid = c.relnamespace "
    "where n.nspname = current_schema() and c.relname = any(:tables)"
)


def assert_database_is_safe(database: Database) -> None:
    """Refuse to serve with a login that row level security does not bind.

    Raises:
        DatabaseUnsafeError: says what is wrong and what would be right.
    """
    with database.engine.connect() as connection:
        login, is_superuser, bypasses = connection.execute(_LOGIN).one()
        inherited = connection.scalars(_INHERITED, {"roles": list(ROLES)}).all()
        missing = connection.scalars(_MISSING, {"roles": list(ROLES)}).all()
        tables = connection.execute(_TABLES, {"tables": list(OWNED_TABLES)}).all()
    if is_superuser or bypasses:
        raise DatabaseUnsafeError(
            f"DATABASE_URL: the login {login} is a superuser or has BYPASSRLS, so row level "
            "security would not bind it. Use a login without both; `textback migrate` makes one."
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
    absent = sorted(set(OWNED_TABLES) - {name for name, _, _ in tables})
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
