"""keep ends

Whatever writes, what a job ended with stays: answer, error, times and counters. Only pruning, after
it has expired, takes the content away, once.

Revision ID: 0015
Revises: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create function textback_keep_end() returns trigger language plpgsql as $$
        begin
            raise exception 'a job that has ended keeps its end' using errcode = 'check_violation';
        end $$
        """
    )
    op.execute(
        """
        create trigger jobs_keep_end before update on jobs
        for each row when (
            old.status in ('succeeded', 'failed', 'cancelled')
            and (
                (new.attempt, new.fence, new.progress, new.partial, new.finished_at, new.kind,
                 new.error_code, new.result_count)
                is distinct from
                (old.attempt, old.fence, old.progress, old.partial, old.finished_at, old.kind,
                 old.error_code, old.result_count)
                or (
                    (new.pruned_at is null or old.pruned_at is not null)
                    and (new.result is distinct from old.result
                         or new.params is distinct from old.params
                         or new.error_message is distinct from old.error_message)
                )
            )
        )
        execute function textback_keep_end()
        """
    )


def downgrade() -> None:
    op.execute("drop trigger jobs_keep_end on jobs")
    op.execute("drop function textback_keep_end()")
