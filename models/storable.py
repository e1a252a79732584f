"""What a kind hands in, made fit for a jsonb column."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from models.errors import UnstorableError

MAX_RESULT_BYTES = 5_000_000
MAX_CHECKPOINT_BYTES = 5_000_000


def storable(value: Mapping[str, Any], *, max_bytes: int) -> dict[str, Any]:
    """Return `value` without what Postgres refuses.

    NUL characters and lone surrogates, which scraped text brings, are dropped.

    Raises:
        UnstorableError: it holds NaN or infinity, is not JSON, or is over `max_bytes`.
    """
    cleaned = {_text(str(key)): _clean(item) for key, item in value.items()}
    try:
        size = len(json.dumps(cleaned, ensure_ascii=False, allow_nan=False).encode())
    except (TypeError, ValueError) as error:
        raise UnstorableError(f"The result cannot be stored: {error}.") from error
    if size > max_bytes:
        raise UnstorableError(
            f"The result is {size} bytes; {max_bytes} is the most that can be stored."
        )
    return cleaned


def refuse_nan(value: Any) -> None:
    """Raise UnstorableError for NaN and infinity, which pydantic would turn into null unheard."""
    _clean(value)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise UnstorableError(f"The result cannot be stored: it holds {value}.")
    if isinstance(value, Mapping):
        return {_text(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def _text(value: str) -> str:
    return value.replace("\0", "").encode("utf-8", "ignore").decode()
