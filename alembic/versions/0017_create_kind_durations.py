"""create kind durations

How long jobs of a kind have taken lately, for an honest guess at how long one will. The function runs
as the operator's role and returns numbers alone, nothing about whose jobs they were.

Revision ID: 0017
Revises: 0016
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # As in 0011: patient, and good to be done again.
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        op.execute("drop index concurrently if exists ix_jobs_succeeded")
        op.execute(
            "create index concurrently ix_jobs_succeeded on jobs (kind, finished_at desc)"
            " where status = 'succeeded'"
        )
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")
    op.execute(
        """
        create function textback_kind_durations(asked text)
        returns table (runs bigint, low float8, mid float8, high float8, running bigint)
        language sql stable security definer set search_path = public, pg_temp
        as $$
            with lately as (
                select extract(epoch from finished_at - started_at)::float8 as seconds
                from jobs
                where status = 'succeeded' and kind = asked and attempt = 1
                order by finished_at desc
                limit 50
            )
            select count(*),
                   percentile_cont(0.1) within group (order by seconds),
                   percentile_cont(0.5) within group (order by seconds),
                   percentile_cont(0.9) within group (order by seconds),
                   (select count(*) from jobs where status = 'running')
            from lately
        $$
        """
    )
    op.execute("grant create on schema public to textback_operator")
    op.execute("alter function textback_kind_durations(text) owner to textback_operator")
    op.execute("revoke create on schema public from textback_operator")
    op.execute("revoke all on function textback_kind_durations(text) from public")
    op.execute("grant execute on function textback_kind_durations(text) to textback_web")


def downgrade() -> None:
    op.execute("drop function textback_kind_durations(text)")
    with op.get_context().autocommit_block():
        op.execute("set statement_timeout = 0; set lock_timeout = 0")
        op.execute("drop index concurrently if exists ix_jobs_succeeded")
        op.execute("set statement_timeout = '60s'; set lock_timeout = '4s'")
