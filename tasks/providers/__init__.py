"""The outside services a kind may ask for, each behind a seam and loaded on first use."""

from __future__ import annotations

import os
from functools import cache, cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models import Database, Settings
    from tasks.providers.catalog.base import ProductSearch
    from tasks.providers.image_embedder.base import ImageEmbedder
    from tasks.providers.job_board.boards import JobBoards

IMAGE_EMBEDDER = "tasks.providers.image_embedder.efficientnet:EfficientNetEmbedder"
JOB_BOARDS = "tasks.providers.job_board.boards:JobBoards"
PRODUCT_SEARCH = "tasks.providers.catalog.pgvector:PgvectorProductSearch"


def load(dotted_path: str) -> Any:
    """Return what `package.module:name` names; importing it here keeps heavy libraries away."""
    module, _, name = dotted_path.partition(":")
    return getattr(import_module(module), name)


class Providers:
    """What kinds are given. Each is made when first asked for."""

    def __init__(self, database: Database, settings: Settings) -> None:
        """Made by the job's context."""
        self._database = database
        self._settings = settings

    @property
    def image_embedder(self) -> ImageEmbedder:
        """Turns a picture into a vector; one model a process, whatever the number of jobs."""
        return _image_embedder(os.getpid())

    @cached_property
    def product_search(self) -> ProductSearch:
        """Finds the products whose pictures are nearest to a vector."""
        search: ProductSearch = load(PRODUCT_SEARCH)(self._database)
        return search

    @cached_property
    def job_boards(self) -> JobBoards:
        """Makes the boards with job postings that a search asks."""
        boards: JobBoards = load(JOB_BOARDS)(self._database, self._settings)
        return boards


@cache
def _image_embedder(_pid: int) -> ImageEmbedder:
    embedder: ImageEmbedder = load(IMAGE_EMBEDDER)()
    return embedder
