"""What people see: server-rendered pages that work without JavaScript and live with it."""

from webapp.pages import home, job, phone, public  # noqa: F401 - they add their routes
from webapp.pages.blueprint import pages_blueprint

__all__ = ["pages_blueprint"]
