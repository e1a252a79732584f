"""The blueprint of the operator's pages, and who may open them."""

from __future__ import annotations

from flask import Blueprint, Response

from webapp.pages.errors import error_response
from webapp.pages.reader import is_operator

operator_blueprint = Blueprint("operator", __name__, url_prefix="/operator")


@operator_blueprint.before_request
def _operators_only() -> Response | None:
    """Be as unknown to others as what does not exist."""
    return None if is_operator() else error_response(404)
