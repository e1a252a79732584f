delete from upload_chunks
where (upload_id, position) in (
    select chunk.upload_id, chunk.position
    from uploads join upload_chunks as chunk on chunk.upload_id = uploads.id
    where uploads.owner_id = :account_id
    limit :at_once
)
