"""compare ends in a function

As before, what a job ended with stays. A trigger's condition is read from its stored text by every
statement that changes a row: the long one of 0015 was a third of what an update of a job costs. A
function's is read once a session, and here it is called for jobs that have ended, which are rare.

Revision ID: 0030
Revises: 0029
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_RAISE = (
    "raise exception 'a job that has ended keeps its end' using errcode = 'check_violation';"
)
_CHANGES = """
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
"""


def upgrade() -> None:
    _replace_function(f"if {_CHANGES} then {_RAISE} end if; return new;")
    _replace_trigger("old.status not in ('queued', 'running')")


def downgrade() -> None:
    _replace_trigger(f"old.status in ('succeeded', 'failed', 'cancelled') and ({_CHANGES})")
    _replace_function(_RAISE)


def _replace_function(body: str) -> None:
    op.execute(
        "create or replace function textback_keep_end() returns trigger language plpgsql as"
        f" $$ begin {body} end $$"
    )


def _replace_trigger(condition: str) -> None:
    op.execute(
        "create or replace trigger jobs_keep_end before update on jobs"
        f" for each row when ({condition}) execute function textback_keep_end()"
    )
