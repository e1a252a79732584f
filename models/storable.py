"""What a kind hands in, made fit for a jsonb column."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from models.errors import UnstorableError

MAX_RESULT_BYTES = 5_000_000
MAX_CHECKPOINT_BYTES = 5_000_000
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def storable(value: Mapping[str, Any] | Sequence[Any], *, max_bytes: int) -> str:
    """Return `value` as JSON, without what Postgres refuses.

    NUL characters and lone surrogates, which scraped text brings, are dropped.

    Raises:
        UnstorableError: it holds NaN or infinity, is not JSON, or is over `max_bytes`.
    """
    try:
        words = _encode(_clean(value))
    except (TypeError, ValueError) as error:
        raise UnstorableError(f"The result cannot be stored: {error}.") from error
    size = len(words) if words.isascii() else len(words.encode())
    if size > max_bytes:
        raise UnstorableError(
            f"The result is {size} bytes; {max_bytes} is the most that can be stored."
        )
    return words


def refuse_nan(value: Any) -> None:
    """Raise UnstorableError for NaN and infinity, which pydantic would turn into null unheard."""
    _clean(value)


def _clean(value: Any) -> Any:
    if value is None or type(value) in (bool, int):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise UnstorableError(f"The result cannot be stored: it holds {value}.")
    if isinstance(value, Mapping):
        return {_text(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    return value


def _text(value: str) -> str:
    if value.isascii() and "\0" not in value:
        return value
    return value.replace("\0", "").encode("utf-8", "ignore").decode()
