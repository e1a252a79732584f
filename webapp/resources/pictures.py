"""Pictures of products: public, and the same for a long time."""

from __future__ import annotations

import hashlib
from uuid import UUID

from flask import Blueprint, Response, request

from models import ProductPicture
from webapp.db import database
from webapp.errors import ProblemError

pictures = Blueprint("pictures", __name__)
_MONTH_SECONDS = 30 * 24 * 3600


@pictures.get("/products/<uuid:product_id>/picture")
def product_picture(product_id: UUID) -> Response:
    """Return a product's picture."""
    # As nobody in particular: the catalog belongs to no one.
    with database().gate(b"") as session:
        picture = session.get(ProductPicture, product_id)
    if picture is None:
        raise ProblemError("not_found", "There is no picture of this product.")
    response = Response(picture.content, mimetype=picture.media_type)
    response.headers["Cache-Control"] = f"public, max-age={_MONTH_SECONDS}"
    response.set_etag(hashlib.sha256(picture.content).hexdigest()[:32])
    return response.make_conditional(request)  # type: ignore[return-value]
