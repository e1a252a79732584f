"""create celery results

The tables of Celery's database result backend, which `textback worker ping` alone uses. Celery
would make them itself at start, but the login of the processes may create nothing.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create sequence task_id_sequence")
    op.execute("create sequence taskset_id_sequence")
    op.execute(
        """
        create table celery_taskmeta (
            id integer constraint pk_celery_taskmeta primary key,
            task_id varchar(155) constraint uq_celery_taskmeta_task_id unique,
            status varchar(50),
            result bytea,
            date_done timestamp,
            traceback text,
            children bytea,
            name varchar(155),
            args bytea,
            kwargs bytea,
            worker varchar(155),
            retries integer,
            queue varchar(155),
            stamps bytea
        )
        """
    )
    op.execute(
        """
        create table celery_tasksetmeta (
            id integer constraint pk_celery_tasksetmeta primary key,
            taskset_id varchar(155) constraint uq_celery_tasksetmeta_taskset_id unique,
            result bytea,
            date_done timestamp
        )
        """
    )
    op.execute("create index ix_celery_taskmeta_date_done on celery_taskmeta (date_done)")
    op.execute("create index ix_celery_tasksetmeta_date_done on celery_tasksetmeta (date_done)")
    op.execute(
        "grant select, insert, update, delete on celery_taskmeta, celery_tasksetmeta"
        " to textback_worker"
    )
    op.execute("grant usage on sequence task_id_sequence, taskset_id_sequence to textback_worker")


def downgrade() -> None:
    op.execute("drop table celery_tasksetmeta")
    op.execute("drop table celery_taskmeta")
    op.execute("drop sequence taskset_id_sequence")
    op.execute("drop sequence task_id_sequence")
