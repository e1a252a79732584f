"""The application as gunicorn finds it."""

from models.settings import Settings
from webapp import create_app

application = create_app(Settings.from_env())
