"""When two postings are the same one."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from models.posting import NewPosting
from models.posting_places import place_key
from models.posting_words import words

# What follows a company's name and says only which kind of company it is.
_LEGAL_WORDS = (
    "inc incorporated ltd limited llc llp lp plc gmbh mbh ag kg se sa sas sarl bv nv ab as oy oyj "
    "spa srl co corp corporation company pty pte 주 주식회사 유 유한회사 유한책임회사 株式会社"
)
_LEGAL = frozenset(_LEGAL_WORDS.split())
# Who may apply: "(m/w/d)", "(f/m/x)".
_WHO = re.compile(r"[([]\s*[a-z](\s*/\s*[a-z*]+){1,3}\s*[)\]]", re.IGNORECASE)
_CAMPAIGN = re.compile(r"^(utm_.*|gclid|fbclid|mc_cid|mc_eid)$", re.IGNORECASE)


def identity(posting: NewPosting, site: str) -> str:
    """Return what two tellings of one posting have in common: company, title and place.

    Without a company that is too little to go by: there the address counts, or else the words, and
    only for the same site.
    """
    title = "".join(words(_WHO.sub(" ", posting.title)))
    company = "".join(word for word in words(posting.company or "") if word not in _LEGAL)
    if company:
        parts = ["", company, title, place_key(posting.location)]
    else:
        told = address(posting.url) or posting.description
        parts = [site, told, title, place_key(posting.location)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def address(url: str | None) -> str | None:
    """Return a URL without what does not say where it leads, or None when it leads to no posting.

    The front page of a site is the address of none.
    """
    if not url:
        return None
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    path = parts.path.rstrip("/")
    asked = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not _CAMPAIGN.match(name)
    ]
    if not parts.hostname or not (path or asked):
        return None
    return urlunsplit(("https", f"{parts.hostname}{port}", path, urlencode(asked), ""))


def address_hash(url: str | None) -> bytes | None:
    """Return what finds an address again."""
    told = address(url)
    return None if told is None else hashlib.sha256(told.encode()).digest()
