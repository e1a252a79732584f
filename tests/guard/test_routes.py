"""No route is open by oversight: who may call what is written down here."""

from __future__ import annotations

from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.routing import Rule

from models import Settings
from webapp import create_app

# Whoever adds a line here says why nobody has to be signed in.
OPEN = {
    "static": "the same files for everybody",
    "api.list_kinds": "what is offered is no secret",
    "api.openapi_document": "what is offered is no secret",
    "api.enqueue_saved_searches": "opened by the CRON_SECRET; tests/integration/api/test_cron.py",
    "docs.docs": "what is offered is no secret",
    "health.is_alive": "asked by whatever watches the process",
    "health.is_ready": "asked by whatever watches the process",
    "pictures.product_picture": "the catalog is public",
    "pages.home": "the form; an account is made when it is sent",
    "pages.ask": "makes the anonymous account; CSRF token, origin and limits instead",
    "pages.search": "the form of a kind; an account is made when it is sent",
    "pages.start_search": "makes the anonymous account; CSRF token, origin and limits instead",
    "pages.sign_in": "the form; whoever sends it proves a phone",
    "pages.send_sign_in_code": "texts a code; CSRF token, origin and caps instead",
    "pages.offline": "the same page for everybody",
    "pages.service_worker": "the same script for everybody",
    "pages.jobs": "shows a stranger an empty list",
    "pages.saved": "shows a stranger an empty list",
    "pages.account": "tells a stranger that there is no account yet",
    "pages.offer_clock": "tells a stranger nothing",
    "pages.result": "the link is the secret",
    "hooks.status": "signed by the carrier, and the address is a secret",
    "hooks.inbound": "signed by the carrier",
    "pages.ask_to_stop": "the link is the secret",
    "pages.phone": "exists only on loopback, with texts that stay on this machine",
}


@pytest.fixture(scope="module")
def app() -> Flask:
    """The application, connected to nothing."""
    nowhere = "postgresql://nobody:nothing@127.0.0.1:9/nowhere"
    keys = dict.fromkeys(("secret_key", "link_key", "phone_cipher_key", "phone_hash_key"), "k" * 32)
    return create_app(
        Settings(database_url=nowhere, redis_url="redis://127.0.0.1:9/0", **keys)  # type: ignore[arg-type]
    )


def test_what_is_not_listed_turns_strangers_away(app: Flask) -> None:
    """Demand: 004-48. With the database away, only a look at no database can say 401."""
    client = app.test_client()
    guarded = 0
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OPEN:
            continue
        for method in (rule.methods or set()) - {"OPTIONS"}:
            guarded += 1
            path = _path(rule)
            answer = client.open(path, method=method)
            wanted = {401} if path.startswith("/api/") else {401, 403, 404}
            assert answer.status_code in wanted, f"{method} {path}: {answer.status_code}"
    assert guarded >= 8


def test_what_is_listed_exists(app: Flask) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    # /dev/phone is there only with SMS_PROVIDER=console.
    assert OPEN.keys() - endpoints <= {"pages.phone"}


def test_under_the_api_only_reading_is_open(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "api.enqueue_saved_searches":
            continue  # changes something, and asks for a secret of its own
        if rule.endpoint in OPEN and rule.rule.startswith("/api/"):
            assert (rule.methods or set()) <= {"GET", "HEAD", "OPTIONS"}


def _path(rule: Rule) -> str:
    values = {name: uuid4() for name in rule.arguments}
    _, path = rule.build(values) or ("", "")
    return path
