"""Settings: typed, checked at start, secrets unprinted."""

from __future__ import annotations

import pytest

from models.errors import SettingsError
from models.schedule import Schedule
from models.settings import Settings
from models.simple_schedule import default_schedule, simple_form

RIGHT = {
    "DATABASE_URL": "postgresql://app:very-secret@127.0.0.1/textback",
    "REDIS_URL": "redis://:very-secret@127.0.0.1:6379/0",
    "SECRET_KEY": "very-secret" * 4,
    "LINK_KEY": "very-secret" * 4,
    "PHONE_CIPHER_KEY": "very-secret" * 4,
    "PHONE_HASH_KEY": "very-secret" * 4,
}


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with everything that must be set, and nothing else."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in RIGHT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_what_must_be_set_is_enough(environ: pytest.MonkeyPatch) -> None:
    """Everything else has a default."""
    settings = Settings.from_env()
    assert (settings.retention_days, settings.lease_seconds, settings.trusted_proxies) == (7, 30, 0)
    assert not settings.secure_cookies
    environ.setenv("BASE_URL", "https://search.example.org/")
    assert Settings.from_env().secure_cookies
    assert Settings.from_env().base_url == "https://search.example.org"


@pytest.mark.parametrize("name", RIGHT)
def test_a_missing_setting_is_named(environ: pytest.MonkeyPatch, name: str) -> None:
    """The start stops with the variable's name."""
    environ.delenv(name)
    with pytest.raises(SettingsError, match=f"^{name}: is not set"):
        Settings.from_env()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("DATABASE_URL", "mysql://a:very-secret@b/c", "must look like postgresql://"),
        ("REDIS_URL", "localhost:6379", "must look like redis://"),
        ("BASE_URL", "example.org", "must be an http"),
        ("BASE_URL", "https://example.org/app", "without a path"),
        ("PORT", "80000", "must be 1 to 65535"),
        ("LEASE_SECONDS", "1", "must be 2 to "),
        ("SECRET_KEY", "very-secret", "must have at least 32 characters ("),
        ("CRON_SECRET", "short", "must have at least 32 characters ("),
        ("TRUSTED_PROXIES", "some", "must be a whole number, 0 to 5 ("),
        ("FLOWER_PASSWORD", "short", "must have at least 12 characters ("),
        ("SMS_PROVIDER", "pigeon", "must be 'none', 'console' or 'twilio'"),
        ("DEFAULT_SCHEDULE", "08:00,25:00 Europe/London", "08:00,22:00 Europe/London; schedule.ti"),
        ("DEFAULT_SCHEDULE", "08:00 Europe/Londno", "no such time zone"),
        ("DEFAULT_SCHEDULE", "08:00", "must look like 08:00,22:00 Europe/London"),
    ],
)
def test_a_wrong_setting_is_named_with_what_would_be_right(
    environ: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    """The message names the variable, says what is wrong and never repeats a secret."""
    environ.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        Settings.from_env()
    assert str(raised.value).startswith(name)
    assert told in str(raised.value)
    assert "very-secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("HOST", "0.0.0.0"), ("BASE_URL", "https://search.example.org"), ("HOST", "192.168.1.5")],
)
def test_console_texts_stay_on_this_machine(
    environ: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """/dev/phone shows every text, so nobody else may reach it."""
    environ.setenv("SMS_PROVIDER", "console")
    assert Settings.from_env().sms_provider == "console"
    environ.setenv(name, value)
    with pytest.raises(SettingsError, match="loopback"):
        Settings.from_env()


def test_twilio_names_what_it_still_needs(environ: pytest.MonkeyPatch) -> None:
    """A start without the account would only fail at the first text."""
    environ.setenv("SMS_PROVIDER", "twilio")
    environ.setenv("TWILIO_ACCOUNT_SID", "AC" + "0" * 32)
    with pytest.raises(SettingsError, match="needs TWILIO_AUTH_TOKEN, TWILIO_FROM too"):
        Settings.from_env()


def test_the_times_of_a_saved_search_may_be_others(environ: pytest.MonkeyPatch) -> None:
    """Those that were asked for hold otherwise. Demand: 004-36"""
    schedule = default_schedule(Settings.from_env().default_schedule)
    times = ["08:00", "10:00", "14:00", "16:00", "16:45", "22:00"]
    assert (simple_form(schedule.cron_lines), schedule.time_zone) == ((times, []), "Europe/London")
    environ.setenv("DEFAULT_SCHEDULE", "7:30, 19:30  Asia/Seoul")
    schedule = default_schedule(Settings.from_env().default_schedule)
    assert schedule == Schedule(("30 7 * * *", "30 19 * * *"), "Asia/Seoul")


def test_countries_are_checked_and_any_may_be_allowed(environ: pytest.MonkeyPatch) -> None:
    """A misspelt country would only be noticed by those who cannot be texted."""
    assert Settings.from_env().may_text("KR")
    assert not Settings.from_env().may_text("FR")
    environ.setenv("TEXT_COUNTRIES", "fr, kr")
    assert Settings.from_env().may_text("FR")
    environ.setenv("TEXT_COUNTRIES", "*")
    assert Settings.from_env().may_text("AQ")
    environ.setenv("TEXT_COUNTRIES", "KR,XX")
    with pytest.raises(SettingsError, match=r"TEXT_COUNTRIES: must be ISO codes .* not XX"):
        Settings.from_env()


def test_secrets_are_not_printed(environ: pytest.MonkeyPatch) -> None:
    """A repr in a log or a traceback shows stars."""
    assert "very-secret" not in repr(Settings.from_env())
