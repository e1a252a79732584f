delete from uploads where owner_id = :account_id
