-- A witness of every write to jobs, put in the suite's own database alone. It is told nothing by the
-- product: what a write did is read from the row before and after, and who wrote it from the fence
-- that the suite's kinds leave in stage, checkpoint, result and error message.
create table audit (
    seq bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    role text,                   -- textback_web, textback_worker or textback_operator
    op text not null,            -- INSERT, UPDATE or DELETE
    job_id uuid not null,
    owner_id uuid not null,
    old_status text, new_status text,
    old_fence int, new_fence int,
    attempt int,
    old_progress int, new_progress int,
    version int,
    old_lease_until timestamptz,
    signed_fence int,            -- the fence named by what this write changed
    signed_process text,         -- and the process, where it names one
    worker text,                 -- who had the job
    wrote_result boolean,
    changed text[]               -- of a row that had ended: the columns that changed
);

create function audit_jobs() returns trigger language plpgsql security definer as $$
declare
    signed int;
    process text;
    columns_changed text[];
begin
    if tg_op = 'DELETE' then
        insert into audit (role, op, job_id, owner_id, old_status, old_fence)
        values (current_setting('role', true), tg_op, old.id, old.owner_id, old.status, old.fence);
        return null;
    end if;
    if tg_op = 'INSERT' then
        insert into audit (role, op, job_id, owner_id, new_status, new_fence, attempt, version)
        values (current_setting('role', true), tg_op, new.id, new.owner_id, new.status, new.fence,
                new.attempt, new.version);
        return null;
    end if;
    if new.result is distinct from old.result and new.result is not null then
        signed := (new.result ->> 'fence')::int;
    elsif new.error_message is distinct from old.error_message then
        signed := substring(new.error_message from 'fence=(\d+)')::int;
    elsif new.checkpoint is distinct from old.checkpoint and new.checkpoint is not null then
        signed := (new.checkpoint ->> 'fence')::int;
        process := new.checkpoint ->> 'process';
    elsif new.stage is distinct from old.stage then
        signed := substring(new.stage from 'fence=(\d+)')::int;
    end if;
    if old.status in ('succeeded', 'failed', 'cancelled') then
        select array_agg(o.key) into columns_changed
        from jsonb_each(to_jsonb(old)) o join jsonb_each(to_jsonb(new)) n using (key)
        where o.value is distinct from n.value;
    end if;
    insert into audit (role, op, job_id, owner_id, old_status, new_status, old_fence, new_fence,
                       attempt, old_progress, new_progress, version, old_lease_until, signed_fence,
                       signed_process, worker, wrote_result, changed)
    values (current_setting('role', true), tg_op, new.id, new.owner_id, old.status, new.status,
            old.fence, new.fence, new.attempt, old.progress, new.progress, new.version,
            old.lease_until, signed, process, new.worker,
            new.result is not null and new.result is distinct from old.result, columns_changed);
    return null;
end $$;

create trigger zz_audit after insert or update or delete on jobs
for each row execute function audit_jobs();

-- And of every change of a text's status.
create table audit_of_texts (
    seq bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    role text,
    job_id uuid not null,
    old_status text, new_status text,
    old_fence bigint, new_fence bigint,
    holder text, error_code text
);

create function audit_texts() returns trigger language plpgsql security definer as $$
begin
    insert into audit_of_texts (role, job_id, old_status, new_status, old_fence, new_fence, holder,
                                error_code)
    values (current_setting('role', true), new.job_id, old.status, new.status, old.fence, new.fence,
            new.holder, new.error_code);
    return null;
end $$;

create trigger zz_audit after update on notifications
for each row when (old.status <> new.status) execute function audit_texts();
