"""The outside services a kind may ask for, each behind a seam and loaded on first use."""

from __future__ import annotations

import os
from functools import cache, cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models import Database
    from tasks.providers.catalog.base import ProductSearch
    from tasks.providers.image_embedder.base import ImageEmbedder

IMAGE_EMBEDDER = "tasks.providers.image_embedder.efficientnet:EfficientNetEmbedder"
PRODUCT_SEARCH = "tasks.providers.catalog.pgvector:PgvectorProductSearch"


def load(dotted_path: str) -> Any:
    """Return what `package.module:name` names; importing it here keeps heavy libraries away."""
    module, _, name = dotted_path.partition(":")
    return getattr(import_module(module), name)


class Providers:
    """What kinds are given. Each is made when first asked for."""

    def __init__(self, database: Database) -> None:
        """Made by the job's context."""
        self._database = database

    @property
    def image_embedder(self) -> ImageEmbedder:
        """Turns a picture into a vector; one model a process, whatever the number of jobs."""
        return _image_embedder(os.getpid())

    @cached_property
    def product_search(self) -> ProductSearch:
        """Finds the products whose pictures are nearest to a vector."""
        search: ProductSearch = load(PRODUCT_SEARCH)(self._database)
        return search


@cache
def _image_embedder(_pid: int) -> ImageEmbedder:
    embedder: ImageEmbedder = load(IMAGE_EMBEDDER)()
    return embedder
