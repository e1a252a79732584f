"""The operator's page of slots: which were due, ran, were late or skipped."""

from __future__ import annotations

from flask import Response, make_response, render_template

from models.ledger import days_of_slots, late_slots, zones_of
from webapp.db import database
from webapp.operator.blueprint import operator_blueprint
from webapp.pages.slot_words import skip_word

DAYS = 7


@operator_blueprint.get("/slots")
def slots() -> Response:
    """Show the last days, and each slot that was missed or late."""
    with database().operator() as session:
        days = days_of_slots(session, DAYS)
        late = late_slots(session, days=DAYS)
        zones = zones_of(session, late)
    page = render_template(
        "operator/slots.html", days=days, late=late, zones=zones, skip_word=skip_word
    )
    return make_response(page)
