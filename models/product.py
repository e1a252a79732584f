"""The catalog that picture searches look through."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from pgvector.sqlalchemy import Vector
from sqlalchemy import ForeignKey, Index, LargeBinary, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, deferred, mapped_column

from models.base import Base, created, uuid_pk

# The length of an EfficientNet-Lite0 feature vector.
EMBEDDING_DIMENSIONS = 1280


class ProductCategory(Base):
    """One shelf of the catalog, with its name in the languages of the pages."""

    __tablename__ = "product_categories"

    key: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]
    label_ko: Mapped[str]


class Product(Base):
    """One item somebody can buy, and the unit vector of its picture."""

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("catalog", "sku"),
        Index("ix_products_category_key", "category_key"),
        Index(
            "ix_products_embedding",
            "embedding",
            postgresql_using="hnsw",
            postgresql_ops={"embedding": "vector_cosine_ops"},
        ),
    )

    id: Mapped[uuid_pk]
    catalog: Mapped[str]
    sku: Mapped[str]
    title: Mapped[str]
    title_ko: Mapped[str | None]
    brand: Mapped[str | None]
    category_key: Mapped[str] = mapped_column(ForeignKey("product_categories.key"))
    price_amount: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    price_currency: Mapped[str | None]
    url: Mapped[str | None]
    embedding: Mapped[Any] = deferred(mapped_column(Vector(EMBEDDING_DIMENSIONS), nullable=False))
    created_at: Mapped[created]


class ProductPicture(Base):
    """The picture of a product, apart from it so that a search never reads the bytes."""

    __tablename__ = "product_pictures"

    product_id: Mapped[UUID] = mapped_column(
        ForeignKey("products.id", ondelete="CASCADE"), primary_key=True
    )
    media_type: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
