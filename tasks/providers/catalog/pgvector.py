"""The catalog in Postgres, searched with pgvector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from tasks.providers.catalog.base import Match, Matches

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from models import Database
    from tasks.providers.image_embedder.base import FloatArray

# Up to here every product is compared: exact, and still quick. Above, the HNSW index answers.
EXACT_BELOW = 20_000

_SEARCH = """
select p.id as product_id, p.catalog, p.title, p.title_ko, p.brand, p.category_key as category,
       c.label as category_label, c.label_ko as category_label_ko,
       p.price_amount, p.price_currency, p.url,
       1 - (p.embedding <=> cast(:vector as vector)) as similarity
from (
    select id, embedding <=> cast(:vector as vector) as distance
    from products
    where :everything or category_key = any(cast(:categories as text[]))
    order by {order}
    limit :limit
) as nearest
join products p on p.id = nearest.id
join product_categories c on c.key = p.category_key
order by nearest.distance, p.id
"""
# The sum is what keeps the planner from using the index: an index only serves the bare distance.
_EXACT = text(_SEARCH.format(order="(embedding <=> cast(:vector as vector)) + 0, id"))
_INDEXED = text(_SEARCH.format(order="embedding <=> cast(:vector as vector)"))

# Counting stops at the limit, so that it costs the same for a catalog of any size.
_COUNT = text(
    """
    select count(*) from (
        select 1 from products
        where :everything or category_key = any(cast(:categories as text[]))
        limit :most
    ) as counted
    """
)
_ESTIMATE = text(
    "select greatest(reltuples, 0)::bigint from pg_class where oid = 'products'::regclass"
)

# The index walks on until the filter has let enough through; ef_search is how wide it looks.
# Seen from the planner, reading the whole table is cheap: it does not know that every vector lies
# out of line. So that way is closed.
_INDEX_SETTINGS = text(
    "select set_config('hnsw.iterative_scan', 'strict_order', true), "
    "set_config('hnsw.ef_search', :width, true), set_config('enable_seqscan', 'off', true)"
)


class PgvectorProductSearch:
    """Exact search in a catalog (or in the categories asked for) of up to EXACT_BELOW products.

    Above that the HNSW index is asked, with its iterative scan. If that ends before it found as
    many as were asked for (it gives up after 20,000 rows, and a rare category may lie further
    away), the search is done again without the index: late beats too few.

    Source:
        HNSW, Malkov and Yashunin, arXiv:1603.09320; iterative scans, pgvector 0.8.
    """

    def __init__(self, database: Database, *, exact_below: int = EXACT_BELOW) -> None:
        self._database = database
        self._exact_below = exact_below

    def search(self, vector: FloatArray, *, categories: Sequence[str], limit: int) -> Matches:
        values = {
            "vector": "[" + ",".join(f"{number:.7g}" for number in vector.tolist()) + "]",
            "categories": list(categories),
            "everything": not categories,
            "limit": limit,
        }
        with self._database.worker() as session:
            count = self._count(session, values)
            if count < self._exact_below:
                return Matches(_matches(session, _EXACT, values), count, is_exact=True)
            if not categories:
                count = max(count, session.execute(_ESTIMATE).scalar_one())
            session.execute(_INDEX_SETTINGS, {"width": str(max(200, 4 * limit))})
            found = _matches(session, _INDEXED, values)
            if len(found) < limit:
                return Matches(_matches(session, _EXACT, values), count, is_exact=True)
            return Matches(found, count, is_exact=False)

    def _count(self, session: Session, values: dict[str, Any]) -> int:
        asked = {key: values[key] for key in ("categories", "everything")}
        counted: int = session.execute(_COUNT, {**asked, "most": self._exact_below}).scalar_one()
        return counted


def _matches(session: Session, statement: Any, values: dict[str, Any]) -> list[Match]:
    rows = session.execute(statement, values).mappings()
    return [
        Match(**{**row, "similarity": min(1.0, max(0.0, float(row["similarity"])))}) for row in rows
    ]
