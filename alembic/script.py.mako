"""${message}

Before you write this migration:
- One concern. Moving data is a migration of its own.
- The release before this one is still running: add columns nullable or with a server default, tighten
  later, remove in a release of its own. Index big tables CONCURRENTLY in an autocommit block.
- No imports from models: this is a photograph. Write policies, triggers and functions out as SQL.
- A new table with an owner enables and forces row level security here, with a policy a command.
- The downgrade is real; it is tried up, down and up again.

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
"""

from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
