"""A page that looks like a phone, for texts that never leave this machine."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, cast

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask.blueprints import BlueprintSetupState

from models.phone import mask
from models.settings import is_loopback
from tasks.providers.sms import kept_texts
from webapp.db import settings
from webapp.pages.blueprint import pages_blueprint
from webapp.pages.errors import error_response

NEWEST = 100
_LINK = re.compile(r"https?://\S+/r/[\w-]+")


@pages_blueprint.record
def _only_with_console(state: BlueprintSetupState) -> None:
    """Add the page where texts are kept on this machine; elsewhere there is no such address."""
    with cast(Flask, state.app).app_context():
        if settings().sms_provider == "console":
            state.add_url_rule("/dev/phone", "phone", phone)


def phone() -> Response:
    """Show the texts, newest last; as JSON for who asks for it."""
    # A name that a stranger's site points at this machine must not read somebody's texts.
    if not is_loopback(request.host.rsplit(":", 1)[0]):
        return error_response(404)
    texts = [_shown(text) for text in (kept_texts(settings()) or [])[-NEWEST:]]
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) != "text/html":
        return jsonify(texts=[text | {"at": text["at"].isoformat()} for text in texts])
    return make_response(render_template("phone.html", texts=texts))


def _shown(text: dict[str, Any]) -> dict[str, Any]:
    link = _LINK.search(text["body"])
    return {
        "sid": text["sid"],
        "to": mask(text["to"][-4:]),
        "body": text["body"],
        "link": link.group() if link else None,
        "at": datetime.fromisoformat(text["at"]),
    }
