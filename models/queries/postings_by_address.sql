-- Which postings are known under these addresses: by this site, or by one that everybody may ask.
select distinct on (a.url_hash) encode(a.url_hash, 'hex') as url_hash, p.key
from posting_addresses a
join postings p on p.id = a.posting_id
where a.url_hash = any(:hashes) and (a.site = :site or a.site not like 'feed:%')
order by a.url_hash, p.first_seen_at, p.id
