"""What people see: server-rendered pages that work without JavaScript and live with it.

htmx keeps what is HTML up to date: the list of searches and the number in the header. Modules of
our own do the rest: the event stream of a job carries JSON, the same for programs and pages, and
clocks, the choice of a photo and what to do while the network is away are nobody else's business.
"""

# Each adds its routes.
from webapp.pages import (  # noqa: F401
    account,
    actions,
    changes,
    deletion,
    downloads,
    home,
    job,
    offline,
    phone,
    public,
    saved,
    saved_actions,
    saved_clock,
    saved_edit,
    search,
    sharing,
    stopping,
    verify,
)
from webapp.pages.blueprint import pages_blueprint

__all__ = ["pages_blueprint"]
