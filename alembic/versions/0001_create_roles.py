"""create roles

Roles belong to the whole cluster, so they are made only where missing and never dropped: another
database may use them. Whoever runs this must be able to become them, to own a function as one.

Revision ID: 0001
Revises:
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        do $$
        declare role_name text;
        begin
            foreach role_name in array
                array['textback_web', 'textback_gate', 'textback_worker', 'textback_operator']
            loop
                begin
                    execute format('create role %I nologin', role_name);
                exception when duplicate_object or unique_violation then
                    null;  -- made already, for this database or a neighbour
                end;
                if not pg_has_role(current_user, role_name, 'SET') then
                    execute format('grant %I to current_user with inherit false, set true', role_name);
                end if;
                execute format('grant usage on schema public to %I', role_name);
            end loop;
        end $$
        """
    )


def downgrade() -> None:
    op.execute(
        """
        do $$
        declare role_name text;
        begin
            foreach role_name in array
                array['textback_web', 'textback_gate', 'textback_worker', 'textback_operator']
            loop
                execute format('revoke usage on schema public from %I', role_name);
            end loop;
        end $$
        """
    )
