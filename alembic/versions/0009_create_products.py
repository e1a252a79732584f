"""create products

Needs the extension pgvector, which only a superuser (or a hosted service's owner) may add.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create extension if not exists vector")
    op.execute(
        """
        create table product_categories (
            key text constraint pk_product_categories primary key,
            label text not null,
            label_ko text not null
        )
        """
    )
    op.execute(
        """
        create table products (
            id uuid constraint pk_products primary key,
            catalog text not null,
            sku text not null,
            title text not null,
            title_ko text,
            brand text,
            category_key text not null constraint fk_products_category_key_product_categories
                references product_categories (key),
            price_amount numeric(12, 2),
            price_currency text,
            url text,
            embedding vector(1280) not null,
            created_at timestamptz not null default now(),
            constraint uq_products_catalog_sku unique (catalog, sku)
        )
        """
    )
    op.execute("create index ix_products_category_key on products (category_key)")
    op.execute(
        "create index ix_products_embedding on products using hnsw (embedding vector_cosine_ops)"
    )
    op.execute(
        """
        create table product_pictures (
            product_id uuid constraint pk_product_pictures primary key
                constraint fk_product_pictures_product_id_products
                references products (id) on delete cascade,
            media_type text not null,
            content bytea not null
        )
        """
    )
    op.execute("alter table product_pictures alter column content set storage external")
    # The catalog is public: no owner, so no policies. Only the operator's import writes it.
    for table in ("product_categories", "products", "product_pictures"):
        op.execute(f"grant select on {table} to textback_web, textback_gate, textback_worker")
        op.execute(f"grant select, insert, update, delete on {table} to textback_operator")


def downgrade() -> None:
    # The extension stays: another schema may use it.
    for table in ("product_pictures", "products", "product_categories"):
        op.execute(f"drop table {table}")
