"""The log filter with this product's own settings."""

from __future__ import annotations

import os
from typing import get_args

from pydantic import SecretStr

from models.log_filter import install
from models.settings import Settings


def keep_secrets_out_of_logs() -> None:
    """Call this first in every process."""
    install(
        os.environ,
        [
            name.upper()
            for name, field in Settings.model_fields.items()
            if SecretStr in (field.annotation, *get_args(field.annotation))
        ],
    )
