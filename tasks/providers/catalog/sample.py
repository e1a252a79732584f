"""Loads the sample catalog, so that a fresh installation has something to find."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import text

from tasks.sample_catalog import FOLDER

if TYPE_CHECKING:
    from models import Database

CATALOG = "sample"

# One after the other, whoever loads at the same time.
_LOCK = text("select pg_advisory_xact_lock(hashtextextended('textback catalog load', 0))")

_CATEGORIES = text(
    """
    insert into product_categories as kept (key, label, label_ko)
    select * from unnest(
        cast(:keys as text[]), cast(:labels as text[]), cast(:labels_ko as text[])
    )
    on conflict (key) do update set label = excluded.label, label_ko = excluded.label_ko
    where (kept.label, kept.label_ko) is distinct from (excluded.label, excluded.label_ko)
    """
)

# Rows that are the same already are left alone: a rewritten row would go through the index again.
_PRODUCTS = text(
    """
    insert into products as kept (
        id, catalog, sku, title, title_ko, brand, category_key, price_amount, price_currency,
        embedding
    )
    select id, :catalog, sku, title, title_ko, brand, category_key, price_amount, price_currency,
           cast(embedding as vector)
    from unnest(
        cast(:ids as uuid[]), cast(:skus as text[]), cast(:titles as text[]),
        cast(:titles_ko as text[]), cast(:brands as text[]), cast(:category_keys as text[]),
        cast(:amounts as numeric[]), cast(:currencies as text[]), cast(:embeddings as text[])
    ) as given (
        id, sku, title, title_ko, brand, category_key, price_amount, price_currency, embedding
    )
    on conflict (catalog, sku) do update set
        title = excluded.title, title_ko = excluded.title_ko, brand = excluded.brand,
        category_key = excluded.category_key, price_amount = excluded.price_amount,
        price_currency = excluded.price_currency, embedding = excluded.embedding
    where (kept.title, kept.title_ko, kept.brand, kept.category_key, kept.price_amount,
           kept.price_currency)
        is distinct from (excluded.title, excluded.title_ko, excluded.brand,
           excluded.category_key, excluded.price_amount, excluded.price_currency)
       or kept.embedding <> excluded.embedding
    """
)

_PICTURES = text(
    """
    insert into product_pictures as kept (product_id, media_type, content)
    select p.id, 'image/webp', given.content
    from unnest(cast(:skus as text[]), cast(:contents as bytea[])) as given (sku, content)
    join products p on p.catalog = :catalog and p.sku = given.sku
    on conflict (product_id) do update
        set media_type = excluded.media_type, content = excluded.content
    where kept.content <> excluded.content
    """
)

_DROP_OTHERS = text(
    "delete from products where catalog = :catalog and not sku = any(cast(:skus as text[]))"
)


def product_id(sku: str, catalog: str = CATALOG) -> UUID:
    """Return the id of a product: always the same, so that links in old results go on working."""
    return uuid5(NAMESPACE_URL, f"textback:{catalog}:{sku}")


def load_sample_catalog(database: Database) -> int:
    """Make the sample catalog in the database be what the files say; again without harm.

    Returns:
        How many products it holds.
    """
    import numpy as np

    products: list[dict[str, Any]] = json.loads((FOLDER / "products.json").read_text("utf-8"))
    categories: dict[str, dict[str, str]] = json.loads(
        (FOLDER / "categories.json").read_text("utf-8")
    )
    vectors = np.load(FOLDER / "embeddings.npy")
    skus = [product["id"] for product in products]
    with database.operator() as session:
        session.execute(_LOCK)
        session.execute(
            _CATEGORIES,
            {
                "keys": list(categories),
                "labels": [label["en"] for label in categories.values()],
                "labels_ko": [label["ko"] for label in categories.values()],
            },
        )
        session.execute(
            _PRODUCTS,
            {
                "catalog": CATALOG,
                "ids": [product_id(sku) for sku in skus],
                "skus": skus,
                "titles": [product["title"] for product in products],
                "titles_ko": [product["title_ko"] for product in products],
                "brands": [product["brand"] for product in products],
                "category_keys": [product["category"] for product in products],
                "amounts": [Decimal(product["price"]["amount"]) for product in products],
                "currencies": [product["price"]["currency"] for product in products],
                "embeddings": [json.dumps(vector.tolist()) for vector in vectors],
            },
        )
        pictures = [(FOLDER / "pictures" / product["picture"]).read_bytes() for product in products]
        session.execute(_PICTURES, {"catalog": CATALOG, "skus": skus, "contents": pictures})
        session.execute(_DROP_OTHERS, {"catalog": CATALOG, "skus": skus})
    return len(products)
