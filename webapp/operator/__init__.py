"""Pages for those who run the service; to everybody else they do not exist."""

from webapp.operator import slots, texts  # noqa: F401 - they add their routes
from webapp.operator.blueprint import operator_blueprint

__all__ = ["operator_blueprint"]
