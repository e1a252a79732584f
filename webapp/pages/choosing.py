"""Which search to start: every kind that is registered, and where its form is."""

from __future__ import annotations

from urllib.parse import quote

from models import Job
from tasks.registry import kinds

# The kinds these pages have forms of their own for; that of the first is the first page.
IMAGE_SEARCH = "image_search"
POSTING_SEARCH = "posting_search"
# So many are shown at once, the others behind a word.
MOST_SHOWN = 4


def address_of(kind: str) -> str:
    """Return where a search of a kind is started; the first page for a kind there is no more."""
    return f"/search/{quote(kind, safe='')}" if kind != IMAGE_SEARCH and kind in kinds() else "/"


def address_like(job: Job) -> str | None:
    """Return where a search is started that is filled in as this one; None where there is none.

    A photo is not put into a form again.
    """
    if job.kind == IMAGE_SEARCH or job.kind not in kinds():
        return None
    return f"{address_of(job.kind)}?like={job.id}"


def choices(chosen: str) -> tuple[list[str], list[str]]:
    """Return the kinds there are: those shown at once, and the others.

    Args:
        chosen: the one whose form is on the page; it is always shown.
    """
    names = list(kinds())
    if len(names) <= MOST_SHOWN:
        return names, []
    shown = names[:MOST_SHOWN]
    if chosen not in shown and chosen in names:
        shown = [*names[: MOST_SHOWN - 1], chosen]
    return shown, [name for name in names if name not in shown]
