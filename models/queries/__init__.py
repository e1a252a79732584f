"""SQL worth reading as SQL: one statement a file, loaded once.

A line `\\ir other.sql` stands for that file, as in psql: what several statements share.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from sqlalchemy import TextClause, text

_INCLUDE = re.compile(r"^\\ir (\w+\.sql)\n", re.MULTILINE)


@cache
def query(name: str) -> TextClause:
    """Return the statement in `name`.sql."""
    return text(_INCLUDE.sub(lambda line: _read(line[1]), _read(f"{name}.sql")))


def _read(file: str) -> str:
    return files(__name__).joinpath(file).read_text()
