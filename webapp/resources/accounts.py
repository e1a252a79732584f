"""The account behind a token: what it is, and everything about its person."""

from __future__ import annotations

from flask import Response, json

from models import User
from models.phone import mask
from models.suppression import is_suppressed
from webapp.auth import require_api_person
from webapp.db import database
from webapp.personal_data import download
from webapp.resources.api import ACCOUNT, api
from webapp.resources.job_json import json_time
from webapp.resources.schemas import Account, Export


@api.get("/me", tags=[ACCOUNT], operation_id="read_account", responses={200: Account})
def read_account() -> Response:
    """Read your account."""
    person = require_api_person()
    with database().owner(person.id) as session:
        user = session.get_one(User, person.id)
        stopped = user.phone_hash is not None and is_suppressed(session, user.phone_hash)
    phone = None
    if user.has_verified_phone and user.phone_last_digits and user.phone_verified_at:
        phone = {
            "masked": mask(user.phone_last_digits),
            "country": user.phone_country,
            "verified_at": json_time(user.phone_verified_at),
            "texts_stopped": stopped,
        }
    shown = {
        "id": str(user.id),
        "role": user.role,
        "locale": user.locale,
        "time_zone": user.time_zone,
        "phone": phone,
        "created_at": json_time(user.created_at),
    }
    return Response(json.dumps(shown) + "\n", mimetype="application/json")


@api.get("/me/export", tags=[ACCOUNT], operation_id="export_account", responses={200: Export})
def export_account() -> Response:
    """Read everything about you.

    Your number is in it in clear; of secrets and codes nothing is. It is one document, sent in
    pieces; a large account takes a while.
    """
    return download(require_api_person().id)
