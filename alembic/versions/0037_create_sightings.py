"""create sightings

What a saved search has seen, so that only what is new is told.

Revision ID: 0037
Revises: 0036
"""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

PERSON = "(select nullif(current_setting('textback.user_id', true), '')::uuid)"


def upgrade() -> None:
    op.execute(
        """
        create table sightings (
            saved_search_id uuid not null,
            key text not null,
            owner_id uuid not null,
            first_seen_at timestamptz not null default clock_timestamp(),
            last_seen_at timestamptz not null default clock_timestamp(),
            told boolean not null default false,
            constraint pk_sightings primary key (saved_search_id, key),
            constraint fk_sightings_saved_search_id_owner_id_saved_searches
                foreign key (saved_search_id, owner_id) references saved_searches (id, owner_id)
                on delete cascade on update cascade
        )
        """
    )
    op.execute("create index ix_sightings_owner_id_key on sightings (owner_id, key)")
    op.execute("create index ix_sightings_last_seen_at on sightings (last_seen_at)")
    op.execute("alter table sightings enable row level security")
    op.execute("alter table sightings force row level security")
    op.execute("grant select on sightings to textback_web")
    op.execute("grant select, insert, update on sightings to textback_worker")
    op.execute("grant select, insert, update, delete on sightings to textback_operator")
    op.execute(
        "create policy web_select on sightings for select to textback_web"
        f" using (owner_id = {PERSON})"
    )
    op.execute(
        "create policy worker_select on sightings for select to textback_worker using (true)"
    )
    op.execute(
        "create policy worker_insert on sightings for insert to textback_worker with check (true)"
    )
    op.execute(
        "create policy worker_update on sightings for update to textback_worker"
        " using (true) with check (true)"
    )
    op.execute(
        "create policy operator_all on sightings for all to textback_operator"
        " using (true) with check (true)"
    )


def downgrade() -> None:
    op.execute("drop table sightings")
