-- Where a site has them. One address a site: of several the newest.
insert into posting_addresses as kept (posting_id, site, url, url_hash)
select p.id, :site, given.url, decode(given.url_hash, 'hex')
from jsonb_to_recordset(cast(:postings as jsonb)) as given (key text, url text, url_hash text)
join postings p on p.key = given.key
order by given.key
on conflict (posting_id, site) do update set url = excluded.url, url_hash = excluded.url_hash
where kept.url is distinct from excluded.url
