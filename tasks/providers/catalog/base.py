"""What every catalog of products can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from tasks.providers.image_embedder.base import FloatArray


@dataclass(frozen=True, slots=True)
class Match:
    """One product and how near its picture is.

    Attributes:
        catalog: which catalog it came from; decides what people are told about its source.
        similarity: cosine, 0 (nothing alike) to 1 (the same picture).
    """

    product_id: UUID
    catalog: str
    title: str
    title_ko: str | None
    brand: str | None
    category: str
    category_label: str
    category_label_ko: str
    price_amount: Decimal | None
    price_currency: str | None
    url: str | None
    similarity: float


@dataclass(frozen=True, slots=True)
class Matches:
    """The answer of a catalog.

    Attributes:
        products: nearest first.
        catalog_size: how many products were looked through (an estimate above 20,000).
        is_exact: True when every one of them was compared, False when an index may have missed
            some.
    """

    products: list[Match]
    catalog_size: int
    is_exact: bool


class ProductSearch(Protocol):
    """Finds the products whose pictures lie nearest to a vector."""

    def search(self, vector: FloatArray, *, categories: Sequence[str], limit: int) -> Matches:
        """Return the nearest products.

        Args:
            vector: float32, shape (1280,), length 1, of the embedder the catalog was made with.
            categories: keys to keep to; empty for all. Unknown keys hold no products.
            limit: how many; as many as that are returned wherever so many exist.

        Raises:
            ProviderError: the catalog cannot be reached (not permanent: retry).
        """
        ...
