"""What words are put into, where nothing else of the application is needed."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask_babel import Babel

from webapp.i18n import current_language

WEBAPP = Path(__file__).resolve().parents[3] / "webapp"


@pytest.fixture(scope="module")
def app() -> Flask:
    """Languages and nothing else."""
    app = Flask("webapp", root_path=str(WEBAPP))
    Babel(app, locale_selector=current_language)
    return app
