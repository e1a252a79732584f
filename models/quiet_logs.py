"""The log filter with this product's own settings."""

from __future__ import annotations

from pydantic import SecretStr

from models.errors import SettingsError
from models.log_filter import install
from models.settings import Settings


def keep_secrets_out_of_logs() -> None:
    """Call this first in every process."""
    try:
        settings = Settings.from_env()
    except SettingsError:
        install(())  # whoever needs them says what is wrong with them
        return
    values = [getattr(settings, name) for name in Settings.model_fields]
    install(value.get_secret_value() for value in values if isinstance(value, SecretStr))
