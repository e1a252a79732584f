"""What people see: server-rendered pages that work without JavaScript and live with it.

Four small modules of our own do the living part, and no htmx: the event stream carries the job's
JSON, the same for programs and pages, where htmx wants pieces of HTML; clocks, the choice of a
photo, and polling where streams do not pass would be ours to write beside it all the same.
"""

# Each adds its routes.
from webapp.pages import (  # noqa: F401
    account,
    actions,
    downloads,
    home,
    job,
    phone,
    public,
    sharing,
    stopping,
    verify,
)
from webapp.pages.blueprint import pages_blueprint

__all__ = ["pages_blueprint"]
