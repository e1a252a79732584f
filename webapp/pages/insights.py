"""What is worth knowing of a search while it runs: sentences about this one, one at a time."""

from __future__ import annotations

from flask_babel import gettext, ngettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Job, Product
from webapp.pages.results import IMAGE_SEARCH


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
    products = session.scalar(select(func.count()).select_from(Product)) or 0
    return [
        ngettext(
            "Your photo is compared with %(num)s product, by what it shows and not by words.",
            "Your photo is compared with %(num)s products, by what it shows and not by words.",
            products,
        ),
        gettext("Only these are looked at: %(categories)s.", categories=", ".join(labels))
        if labels
        else gettext("All categories are looked at. Choosing one shortens the list."),
        gettext("Where and when your photo was taken is not kept: only what can be seen on it."),
        kept,
        beside,
    ]
