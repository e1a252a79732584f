"""Which language a person reads: what they chose, else what their browser asks for."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from babel import Locale, UnknownLocaleError
from flask import Flask, Response, g, has_request_context, redirect, request
from flask_babel import Babel
from sqlalchemy import update
from werkzeug.wrappers import Response as AnyResponse

from models import Settings, User
from webapp.auth import current_person
from webapp.db import database

# English is the language of the msgids; the others have a catalog under translations/.
LANGUAGES = {"en": "English", "ko": "한국어"}
COOKIE = "textback_language"
COOKIE_SECONDS = 400 * 24 * 3600  # the longest browsers keep one


def init_i18n(app: Flask, settings: Settings) -> None:
    """Translate pages, and let `?lang=ko` on any of them change the language for good."""
    Babel(app, default_locale="en", default_timezone="UTC", locale_selector=current_language)

    @app.before_request
    def change_language() -> AnyResponse | None:
        chosen = request.args.get("lang")
        if request.method != "GET" or chosen not in LANGUAGES or request.path.startswith("/api/"):
            return None
        _remember(chosen)
        # Back to the same page without the question, so that nobody shares a language by its link.
        answer = redirect(_without_language(), code=303)
        answer.headers["Cache-Control"] = "no-store"
        answer.set_cookie(
            COOKIE,
            chosen,
            max_age=COOKIE_SECONDS,
            secure=settings.secure_cookies,
            httponly=True,
            samesite="Lax",
        )
        return answer

    @app.after_request
    def say_language(response: Response) -> Response:
        if response.mimetype == "text/html":
            response.headers["Content-Language"] = current_language()
            response.vary.update(["Accept-Language", "Cookie"])
        return response


def language_address(language: str, page: str = "") -> str:
    """Return where a link to another language leads: this page, as it was asked for.

    Args:
        language: e.g. `ko`.
        page: the address of what is shown, where it was not asked for by it: after a form.
    """
    if request.method != "GET":
        path, _, query = page.partition("?")
        asked = parse_qsl(query, keep_blank_values=True)
    else:
        path = ""
        asked = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return f"{path}?{urlencode([*asked, ('lang', language)])}"


def _without_language() -> str:
    asked = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    # With two slashes in front it would be the address of another site.
    path = "/" + request.path.lstrip("/")
    return f"{path}?{urlencode(asked)}" if asked else path


def _remember(language: str) -> None:
    """Keep the choice with the account, if this browser has one; its texts follow it."""
    person = current_person()
    if person is not None and person.via == "cookie":
        with database().owner(person.id) as session:
            session.execute(update(User).where(User.id == person.id).values(locale=language))


def current_language() -> str:
    """Return `en` or `ko` for this request; English outside of one."""
    if not has_request_context():
        return "en"
    if "language" not in g:
        g.language = chosen_language() or request.accept_languages.best_match(LANGUAGES) or "en"
    return str(g.language)


def chosen_language() -> str | None:
    """Return the language this browser was set to, or None if nobody chose."""
    chosen = request.cookies.get(COOKIE)
    return chosen if chosen in LANGUAGES else None


def likely_country() -> str:
    """Return the ISO country a number typed in this browser is probably of."""
    for tag, _quality in request.accept_languages:
        try:
            territory = Locale.parse(tag, sep="-").territory
        except (ValueError, UnknownLocaleError):
            continue
        if territory and len(territory) == 2:
            return territory
    return "KR" if current_language() == "ko" else "US"
