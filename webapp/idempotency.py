"""Requests that are sent again: one answer for each `Idempotency-Key` of a person.

A key is kept in the row that the request made, so that both are there or neither, and no lock is
held: of two equal requests at the same time one loses at the unique index, undoes its own
transaction and answers from the other's row.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.db import database
from webapp.errors import ProblemError, invalid_field

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
# Every unique index that keeps keys is called uq_<table>_owner_id_idempotency_key.
_INDEX_SUFFIX = "_idempotency_key"
# The second finds the winner's row; the third is for a winner that was undone after all.
_TRIES = 3


class MadeMeanwhileError(Exception):
    """An equal request under the same key was quicker; its row is there now."""


class Keyed(Protocol):
    """A row that a request made, with the hash of what the request asked for."""

    request_hash: bytes | None


Row = TypeVar("Row", bound=Keyed)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key as it was sent, and what was asked under it.

    Attributes:
        key: the caller's own word for this request.
        request_hash: SHA-256 of all that was asked.
    """

    key: str
    request_hash: bytes

    @classmethod
    def check(
        cls,
        key: str | None,
        route: str,
        asked: Mapping[str, Any],
        files: Callable[[], Mapping[str, bytes]] = dict,
    ) -> IdempotencyKey | None:
        """Return the key a request came with, or None if it has none.

        Args:
            key: the header as it was sent.
            route: what is asked to be done, e.g. `POST /jobs`.
            asked: everything that makes a difference, as JSON.
            files: gives the SHA-256 of each file by its field; called only if there is a key.

        Raises:
            ProblemError: the key is none.
        """
        if key is None:
            return None
        if not _KEY.fullmatch(key):
            raise invalid_field(
                HEADER, "must be 1 to 255 visible ASCII characters without spaces, such as a UUID"
            )
        return cls(key, request_hash(route, asked, files()))


def request_hash(route: str, asked: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """Return SHA-256 of a request, whatever the order of its fields."""
    whole = {"route": route, "asked": asked, "files": {k: v.hex() for k, v in files.items()}}
    return hashlib.sha256(
        json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()
    ).digest()


def once(
    owner_id: UUID,
    key: IdempotencyKey | None,
    *,
    find: Callable[[Session, str], Row | None],
    make: Callable[[Session], Row],
    show: Callable[[Session, Row], T],
) -> tuple[T, bool]:
    """Do what is asked, unless it was done under this key already.

    Args:
        owner_id: whose key it is, and in whose transactions everything happens.
        key: None to do it in any case.
        find: returns the row that was made under a key.
        make: does it, and keeps key and hash in the row; may be undone and called again. Raises
            MadeMeanwhileError if it meets the row of this key.
        show: makes the answer of the row, in the same transaction.

    Returns:
        The answer, and whether it is about what an earlier request did.

    Raises:
        ProblemError: the key was used for something else.
    """
    for turn in range(_TRIES):
        try:
            with database().owner(owner_id) as session:
                earlier = None if key is None else find(session, key.key)
                if earlier is not None:
                    assert key is not None  # noqa: S101 - or nothing would have been looked up
                    if earlier.request_hash != key.request_hash:
                        raise ProblemError("idempotency_key_reused")
                    return show(session, earlier), True
                return show(session, make(session)), False
        except (IntegrityError, MadeMeanwhileError) as error:
            if turn == _TRIES - 1 or not _is_about_a_key(error):
                raise
    raise AssertionError("unreachable")


def _is_about_a_key(error: IntegrityError | MadeMeanwhileError) -> bool:
    if isinstance(error, MadeMeanwhileError):
        return True
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None) or ""
    return name.endswith(_INDEX_SUFFIX)
