"""No other site makes a browser do anything here: a token in each form, and the origin checked."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, request
from flask_wtf.csrf import CSRFError, CSRFProtect

from models import Settings
from webapp.errors import ProblemError

# The API takes no cookie for what changes something; hooks take none at all and are signed.
_NO_COOKIE_PATHS = ("/api/", "/hooks/")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def init_origin(app: Flask, settings: Settings) -> None:
    """Check every unsafe request that a cookie could be behind."""
    app.config.update(
        # Checked below, after the origin; its check of the Referer is weaker than ours.
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_SSL_STRICT=False,
        WTF_CSRF_TIME_LIMIT=None,
    )
    csrf = CSRFProtect(app)
    ours = _origin(settings.base_url)

    @app.before_request
    def refuse_other_sites() -> None:
        if request.method in _SAFE_METHODS or request.path.startswith(_NO_COOKIE_PATHS):
            return
        if request.endpoint is None:
            return  # 404 or 405: nothing will happen
        if not _is_same_site(ours):
            raise ProblemError("forbidden", "This form was sent from another site.")
        try:
            csrf.protect()
        except CSRFError as error:
            raise ProblemError(
                "forbidden", "This form is too old. Open its page again and send it from there."
            ) from error


def _is_same_site(ours: str) -> bool:
    """Whether the browser says that the request comes from a page of ours.

    Every browser in use sends Origin with a form, and those of a secure address Sec-Fetch-Site
    too; a request with neither is not from a page of ours.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return site == "same-origin"
    return origin.lower() in (ours, _origin(request.host_url))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
