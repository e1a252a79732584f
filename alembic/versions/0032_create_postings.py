"""create postings

Needs the extension pg_trgm, which comes with Postgres and which the owner of a database may add.

Revision ID: 0032
Revises: 0031
"""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create extension if not exists pg_trgm")
    op.execute(
        """
        create table postings (
            id uuid constraint pk_postings primary key,
            key text not null constraint uq_postings_key unique,
            site text not null,
            title text not null,
            company text,
            location text,
            country text,
            is_remote boolean,
            job_type text constraint ck_postings_job_type
                check (job_type in ('full_time', 'part_time', 'contract', 'internship')),
            salary_min numeric(16, 2),
            salary_max numeric(16, 2),
            salary_currency text,
            salary_interval text constraint ck_postings_salary_interval
                check (salary_interval in ('hour', 'day', 'week', 'month', 'year')),
            salary_yearly_min numeric(16, 2),
            salary_yearly_max numeric(16, 2),
            posted_on date,
            age_hours integer,
            description text not null,
            document tsvector not null,
            first_seen_at timestamptz not null default now(),
            last_seen_at timestamptz not null default now()
        )
        """
    )
    op.execute("create index ix_postings_document on postings using gin (document)")
    op.execute("create index ix_postings_title on postings using gin (title gin_trgm_ops)")
    op.execute("create index ix_postings_last_seen_at on postings (last_seen_at)")
    op.execute(
        """
        create table posting_addresses (
            posting_id uuid not null constraint fk_posting_addresses_posting_id_postings
                references postings (id) on delete cascade,
            site text not null,
            url text,
            url_hash bytea,
            constraint pk_posting_addresses primary key (posting_id, site)
        )
        """
    )
    op.execute("create index ix_posting_addresses_url_hash on posting_addresses (url_hash)")
    op.execute("create index ix_posting_addresses_site on posting_addresses (site)")
    # Postings belong to nobody, so no policies. Workers keep them, and only the operator's prune and
    # the import of the sample take any away. The web process shows them as they stand in a result.
    for table in ("postings", "posting_addresses"):
        op.execute(f"grant select, insert, update on {table} to textback_worker")
        op.execute(f"grant select, insert, update, delete on {table} to textback_operator")


def downgrade() -> None:
    # The extension stays: another schema may use it.
    op.execute("drop table posting_addresses")
    op.execute("drop table postings")
