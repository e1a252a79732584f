"""What the operator's page says for statuses and codes of texts."""

from __future__ import annotations

from flask_babel import gettext

from tasks.text_errors import CODES
from webapp.pages.words import N_

STATUSES = {
    "needs_review": N_("Needs your decision"),
    "queued": N_("Waiting"),
    "sending": N_("Being sent"),
    "unknown": N_("Being looked for"),
    "sent": N_("Sent"),
    "delivered": N_("Delivered"),
    "undelivered": N_("Not delivered"),
    "failed": N_("Not sent"),
}

REASONS = {
    # Ours: the rules, before anything is sent.
    "opted_out": N_("its person wants no texts"),
    "country_not_allowed": N_("we do not text this country"),
    "daily_limit": N_("the most scheduled texts for a day were sent"),
    "cap_number": N_("the cap of this number for a day was reached"),
    "cap_country": N_("the cap of this country for a day was reached"),
    "cap_total": N_("the cap of all texts for a day was reached"),
    "texts_off": N_("texts are turned off here"),
    # The carrier's.
    "20429": N_("too many requests at the carrier"),
    "20500": N_("a fault at the carrier"),
    "21211": N_("no such number"),
    "21408": N_("this region is not permitted in our account"),
    "21610": N_("stopped by a reply"),
    "21612": N_("no way from our sender to this number"),
    "21614": N_("not a mobile number"),
    "30003": N_("phone out of reach"),
    "30004": N_("blocked"),
    "30005": N_("unknown number"),
    "30006": N_("a landline"),
    "30007": N_("filtered by the carrier"),
    "30047": N_("quiet hours of the carrier"),
}


def status_of_text(status: str) -> str:
    """Return what is known of a text, in words."""
    return gettext(STATUSES[status])


def reason_of_text(code: str | None) -> str:
    """Return why a text did not arrive, in words where the code is known; the carrier's stays."""
    words = REASONS.get(code or "")
    if words is None:
        return code or ""
    return f"{gettext(words)} ({code})" if code in CODES else gettext(words)
