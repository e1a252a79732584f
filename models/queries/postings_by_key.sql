select id, key, first_seen_at from postings where key = any(:keys)
