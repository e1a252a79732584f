-- Whether any posting is at a place, filled or not.
select exists (
    select from postings where document @@ to_tsquery('simple', cast(:place as text))
)
