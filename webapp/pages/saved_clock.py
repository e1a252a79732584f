"""The clock by which pages of saved searches show every time: the account's, or the device's."""

from __future__ import annotations

from uuid import UUID

from flask import Response, make_response, render_template, request

from webapp.auth import current_person
from webapp.i18n import current_language
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.reader import zone_of_reader
from webapp.pages.zones import city_of, is_zone


@pages_blueprint.get("/saved/clock")
def offer_clock() -> Response:
    """Offer to go by the clock of `?device=` from now on; nothing where that is the account's.

    Only a script knows the device's zone, so a script asks, for the page it is on: `?back=`.
    """
    device, own = request.args.get("device", ""), str(zone_of_reader())
    if current_person() is None or not is_zone(device) or device == own:
        return Response(status=204)
    language = current_language()
    part = render_template(
        "saved/clock.html",
        device=device,
        there=city_of(device, language),
        here=city_of(own, language),
        back=saved_page(request.args.get("back", "")),
    )
    return make_response(part)


def saved_page(address: str) -> str:
    """Return the address of a page of saved searches as it is; the list's for any other."""
    for before, after in (("/saved/new?job=", ""), ("/saved/", "/edit"), ("/saved/", "")):
        inside = address.removeprefix(before).removesuffix(after)
        if _is_id(inside) and address == before + inside + after:
            return address
    return "/saved"


def _is_id(typed: str) -> bool:
    try:
        return str(UUID(typed)) == typed
    except ValueError:
        return False
