"""Which of a person's searches are meant by words they typed."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, select, text
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session

from models import Job, ProductCategory
from tasks.registry import kinds
from webapp.pages.choosing import IMAGE_SEARCH
from webapp.pages.words import in_language, title_of

LONGEST = 100
# Any text among the params, however deep; ids of inputs are nobody's words.
_ASKED = """
exists (
    select from jsonb_path_query(jobs.params, '$.** ? (@.type() == "string")') as value
    where strpos(lower(value #>> '{}'), lower(:words)) > 0
      and value #>> '{}' !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
)
"""


def about(session: Session, words: str) -> ColumnElement[bool]:
    """Return the condition on jobs: the words are part of what was asked, or of its kind's title.

    Args:
        session: any that may read the catalog's categories.
        words: as typed; upper and lower case are alike.
    """
    wanted = words.casefold()
    titled = [name for name in kinds() if wanted in title_of(name).casefold()]
    categories = [
        row.key
        for row in session.scalars(select(ProductCategory))
        if wanted in in_language(row, "label").casefold()
    ]
    return or_(
        text(_ASKED).bindparams(words=words),
        Job.kind.in_(titled),
        (Job.kind == IMAGE_SEARCH) & Job.params["categories"].op("?|")(array(categories or [""])),
    )
