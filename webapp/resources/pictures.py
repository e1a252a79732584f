"""Pictures of products: public, and the same for a long time."""

from __future__ import annotations

import hashlib
import time
from functools import lru_cache
from uuid import UUID

from flask import Blueprint, Response, request

from models import Database, ProductPicture
from webapp.db import database
from webapp.errors import ProblemError

pictures = Blueprint("pictures", __name__)
_MONTH_SECONDS = 30 * 24 * 3600
# In the process, for a moment: browsers keep them for much longer anyway.
_KEPT, _KEPT_SECONDS = 64, 60


@pictures.get("/products/<uuid:product_id>/picture")
def product_picture(product_id: UUID) -> Response:
    """Return a product's picture."""
    content, media_type, tag = _picture(
        database(), product_id, int(time.monotonic() / _KEPT_SECONDS)
    )
    response = Response(content, mimetype=media_type)
    response.headers["Cache-Control"] = f"public, max-age={_MONTH_SECONDS}"
    response.set_etag(tag)
    return response.make_conditional(request)  # type: ignore[return-value]


@lru_cache(maxsize=_KEPT)
def _picture(database: Database, product_id: UUID, _when: int) -> tuple[bytes, str, str]:
    """Return a picture, its type and its tag. The same few are asked for by many.

    Raises:
        ProblemError: there is none.
    """
    # As nobody in particular: the catalog belongs to no one.
    with database.gate(b"") as session:
        picture = session.get(ProductPicture, product_id)
    if picture is None:
        raise ProblemError("not_found", "There is no picture of this product.")
    tag = hashlib.sha256(picture.content).hexdigest()[:32]
    return picture.content, picture.media_type, tag
