"""What is worth knowing of a search while it runs: sentences about this one, one at a time."""

from __future__ import annotations

from flask_babel import gettext, ngettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Job, Product
from webapp.pages.results import IMAGE_SEARCH

MOST_COUNTED = 10_000


def insights(session: Session, job: Job, labels: list[str]) -> list[str]:
    """Return true sentences about a search that has not ended, the most telling first.

    Args:
        session: one of its person.
        job: the search.
        labels: the categories it keeps to, in the reader's language.
    """
    days = (job.expires_at - job.created_at).days
    kept = ngettext(
        "The answer stays open for %(num)s day, then it is deleted for good.",
        "The answer stays open for %(num)s days, then it is deleted for good.",
        days,
    )
    beside = gettext("You can start another search meanwhile. Each has a page of its own.")
    if job.kind != IMAGE_SEARCH:
        return [kept, beside]
    return [
        *_compared(session, job),
        gettext("Only these are looked at: %(categories)s.", categories=", ".join(labels))
        if labels
        else gettext("All categories are looked at. Choosing one shortens the list."),
        kept,
        beside,
    ]


def _compared(session: Session, job: Job) -> list[str]:
    """Return with how many products the photo is compared, where that is each of them.

    A larger catalog is searched by an index, which looks at some alone; nobody counts it here.
    """
    keys = job.params.get("categories")
    products = select(Product.id)
    if isinstance(keys, list) and keys:
        products = products.where(Product.category_key.in_([str(key) for key in keys]))
    counted = products.limit(MOST_COUNTED + 1).subquery()
    found = session.scalar(select(func.count()).select_from(counted)) or 0
    if found > MOST_COUNTED:
        return []
    return [
        ngettext(
            "Your photo is compared with %(num)s product, by what it shows and not by words.",
            "Your photo is compared with %(num)s products, by what it shows and not by words.",
            found,
        )
    ]
