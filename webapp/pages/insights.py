"""What is worth knowing of a search while it runs: sentences about this one, one at a time."""

from __future__ import annotations

from flask_babel import gettext, ngettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Job, Product
from webapp.pages.choosing import IMAGE_SEARCH, POSTING_SEARCH
from webapp.pages.posting_form import asked_sites

MOST_COUNTED = 10_000


def insights(session: Session, job: Job, labels: list[str]) -> list[str]:
    """Return true sentences about a search that has not ended, the most telling first.

    Args:
        session: one of its person.
        job: the search.
        labels: what it keeps to, in the reader's language.
    """
    days = (job.expires_at - job.created_at).days
    kept = ngettext(
        "The answer stays open for %(num)s day, then it is deleted for good.",
        "The answer stays open for %(num)s days, then it is deleted for good.",
        days,
    )
    beside = gettext("You can start another search meanwhile. Each has a page of its own.")
    if job.kind == POSTING_SEARCH:
        return [*_about_postings(job), kept, beside]
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


def _about_postings(job: Job) -> list[str]:
    """Return what a search for postings does with what was asked."""
    sites = asked_sites(job.params)
    several = [
        gettext("These are asked one after the other: %(sites)s.", sites=", ".join(sites)),
        gettext("A posting that several of them have is shown once."),
    ]
    return [
        gettext("What earlier searches found is shown at once; what is found now takes its place."),
        *(several if len(sites) > 1 else ()),
        gettext("Titles are found by a part of them too, and in spite of typing errors."),
        *(
            ()
            if job.params.get("location")
            else [gettext("Every place is looked at. Naming one shortens the list.")]
        ),
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
