"""Embeds a photo of a thing, which is not the same as a picture that is nothing but the thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

    from tasks.providers.image_embedder.base import FloatArray, ImageEmbedder

MIDDLE = 0.75  # share of the shorter side


def embed_photo(embedder: ImageEmbedder, photo: Image.Image) -> FloatArray:
    """Return the mean of the whole photo and its middle, length 1.

    People put what they mean in the middle and leave room around it; catalog pictures have none.

    Source:
        Made photos of the sample catalog (benchmarks/retrieval.py): the thing came first for 95 %
        of them, against 88 % for the whole photo alone.
    """
    import numpy as np

    side = round(min(photo.size) * MIDDLE)
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    middle = photo.crop((left, top, left + side, top + side)) if side else photo
    both = embedder.embed(photo) + embedder.embed(middle)
    length = float(np.linalg.norm(both))
    return both / length if length else both
