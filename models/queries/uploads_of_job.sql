-- The inputs that a job of this account names, whatever its kind calls them.
owner_id = :account_id
and strpos((select params::text from jobs where id = :job_id), uploads.id::text) > 0
