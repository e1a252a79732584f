"""Who is in the tests: A, whom a test is about, and B, who must see nothing of A."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from models import Database, User
from models.ids import new_id


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    id: UUID


def make_person(database: Database) -> Person:
    """Make an account without a phone."""
    person = Person(new_id())
    with database.owner(person.id) as session:
        session.add(User(id=person.id))
    return person
