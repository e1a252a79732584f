"""tie jobs to saved searches

Which saved search asked for a job, what in its answer is new to its person, and a text that is sent
only if something is.

Revision ID: 0034
Revises: 0033
"""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

FOREIGN_KEY = "fk_jobs_saved_search_id_owner_id_saved_searches"


def upgrade() -> None:
    op.execute(
        "alter table jobs add column saved_search_id uuid, add column new_count integer,"
        " add column new_keys text[]"
    )
    # Looked at when the transaction ends: the former release, which knows no saved searches, merges
    # accounts by moving the jobs alone. That what is there already keeps to both, 0040 checks.
    op.execute(
        f"alter table jobs add constraint {FOREIGN_KEY} foreign key (saved_search_id, owner_id)"
        " references saved_searches (id, owner_id)"
        " on delete set null (saved_search_id) on update cascade"
        " deferrable initially deferred not valid"
    )
    _replace_check("notify in ('none', 'sms', 'new')")


def downgrade() -> None:
    op.execute("select set_config('role', 'textback_operator', true)")
    op.execute("update jobs set notify = 'none' where notify = 'new'")
    op.execute("select set_config('role', 'none', true)")
    _replace_check("notify in ('none', 'sms')")
    op.execute(
        "alter table jobs drop column saved_search_id, drop column new_count, drop column new_keys"
    )


def _replace_check(condition: str) -> None:
    op.execute("alter table jobs drop constraint ck_jobs_notify")
    op.execute(f"alter table jobs add constraint ck_jobs_notify check ({condition}) not valid")
