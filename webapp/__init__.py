"""What people and programs touch: the API, the pages, the command line and the all-in-one mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from models import Settings


def create_app(settings: Settings) -> Flask:
    """Return the web application; Flask is imported now and not with the command line."""
    from webapp.application import build_application

    return build_application(settings)
