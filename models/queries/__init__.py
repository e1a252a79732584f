"""SQL worth reading as SQL: one statement a file, loaded once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sqlalchemy import TextClause, text


@cache
def query(name: str) -> TextClause:
    """Return the statement in `name`.sql."""
    return text(files(__name__).joinpath(f"{name}.sql").read_text())
