"""What tests of the API and of the pages share."""

from __future__ import annotations

import pytest


@pytest.fixture
def patient_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Applications made from now on count in a Redis, too, that stood still for a moment."""
    monkeypatch.setattr("webapp.limits._REDIS_SECONDS", 10.0)
