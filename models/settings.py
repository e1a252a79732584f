"""The only reader of the environment: typed settings, checked at start."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import phonenumbers
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.errors import SettingsError
from models.field_words import field_errors
from models.posting_sites import FEED, SAMPLE, checked_sites
from models.schedule import ScheduleError
from models.simple_schedule import default_schedule

Port = Annotated[int, Field(ge=1, le=65535)]
MIB = 1024 * 1024


class Settings(BaseSettings):
    """Everything a deployment may choose. Secrets never appear in a repr, a log or an error."""

    model_config = SettingsConfigDict(
        case_sensitive=False,
        extra="ignore",
        env_ignore_empty=True,  # a variable of the compose file that nobody has set
        hide_input_in_errors=True,
        validate_default=True,
    )

    database_url: SecretStr = Field(
        description="Postgres as the login role, e.g. postgresql://textback_app:…@host/textback."
    )
    migration_database_url: SecretStr | None = Field(
        None, description="Postgres as the owner of the tables; only `textback migrate` uses it."
    )
    database_direct_url: SecretStr | None = Field(
        None,
        description="As DATABASE_URL but past a transaction pooler; senders of texts hold locks.",
    )
    redis_url: SecretStr = Field(description="Redis or Valkey, e.g. redis://:…@host:6379/0.")
    base_url: str = Field(
        "http://127.0.0.1:8000", description="The public address that links in texts begin with."
    )
    host: str = Field("127.0.0.1", description="The address the web process listens on.")
    port: Port = Field(8000, description="The port the web process listens on.")
    web_workers: int = Field(2, ge=1, le=64, description="Processes that answer HTTP.")
    trusted_proxies: int = Field(
        0, ge=0, le=5, description="How many proxies in front may name the caller's address."
    )
    secret_key: SecretStr = Field(
        min_length=32, description="Signs the browser's cookie. 32 characters or more."
    )
    link_key: SecretStr = Field(
        min_length=32,
        description="Makes result links, codes and callback addresses. 32 or more; changing it "
        "ends every link.",
    )
    phone_cipher_key: SecretStr = Field(
        min_length=32,
        description="Encrypts phone numbers at rest. 32 or more; with another, none can be read.",
    )
    phone_cipher_keys_before: SecretStr | None = Field(
        None,
        description="Earlier cipher keys, with commas between; they decrypt only. See Keys.",
    )
    phone_hash_key: SecretStr = Field(
        min_length=32,
        description="Finds a phone number without storing it. 32 or more; permanent.",
    )
    sms_provider: Literal["none", "console", "twilio"] = Field(
        "none",
        description="Who carries texts: `none`, `twilio`, or `console` (terminal and /dev/phone, "
        "loopback).",
    )
    twilio_account_sid: str | None = Field(
        None, pattern="^AC[0-9a-fA-F]{32}$", description="The Twilio account."
    )
    twilio_auth_token: SecretStr | None = Field(None, description="The Twilio account's token.")
    twilio_from: str | None = Field(
        None, description="The sender: a number in E.164 or a Messaging Service (MG…)."
    )
    twilio_base_url: str | None = Field(
        None, description="Another address for Twilio's API, for a stand-in or a proxy."
    )
    text_countries: str = Field(
        "KR,US,CA,GB",
        description="Countries whose numbers may be texted: ISO codes with commas, or `*`.",
    )
    codes_per_number_a_day: int = Field(
        5, ge=1, le=1000, description="Codes sent to one number in a day."
    )
    codes_per_address_a_day: int = Field(
        20, ge=1, le=100_000, description="Codes asked for from one address in a day."
    )
    texts_per_number_a_day: int = Field(
        30, ge=1, le=10_000, description="Texts about jobs to one number in a day."
    )
    texts_per_country_a_day: int = Field(
        1000,
        ge=1,
        le=10_000_000,
        description="Texts to one country prefix in a day, codes half of it at most.",
    )
    texts_a_day: int = Field(
        2000, ge=1, le=10_000_000, description="Texts in all in a day, codes half of it at most."
    )
    quiet_hours: str = Field(
        "21:00-09:00",
        pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$",
        description="Texts of scheduled searches wait till these end, in the person's own zone.",
    )
    text_lease_seconds: float = Field(
        60,
        ge=1,
        le=600,
        description="A sender silent for this long is asked about at the provider.",
    )
    text_looks_seconds: str = Field(
        "120,600",
        pattern=r"^\d+(\.\d+)?,\d+(\.\d+)?$",
        description="When a text of unknown fate is looked for at the provider, in seconds.",
    )
    default_schedule: str = Field(
        "08:00,10:00,14:00,16:00,16:45,22:00 Europe/London",
        description="Times and zone of a saved search that names none.",
    )
    saved_searches_per_person: int = Field(
        20, ge=1, le=10_000, description="Saved searches one person may have."
    )
    saved_search_interval_minutes: int = Field(
        30, ge=1, le=1440, description="Minutes between two times of one saved search, at least."
    )
    spread_seconds: float = Field(
        300,
        ge=0,
        le=3600,
        description="Scheduled searches begin five a second, the last of them after so long.",
    )
    cron_secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="Lets a cron outside enqueue due saved searches: POST "
        "/api/v1/cron/saved-searches. 32 characters or more.",
    )
    cron_secret_before: SecretStr | None = Field(
        None,
        min_length=32,
        description="The secret before, valid too until the cron has the new one.",
    )
    worker_concurrency: int = Field(
        2,
        ge=1,
        le=64,
        description="Jobs one worker runs at the same time, at most; processes come with the work.",
    )
    running_jobs_per_person: int = Field(
        2,
        ge=1,
        le=100,
        description="Jobs of one person at the same time; scheduled ones leave one of these free.",
    )
    lease_seconds: float = Field(
        30, ge=2, le=600, description="A worker silent for this long has lost its job."
    )
    retention_days: int = Field(
        7, ge=1, le=365, description="How long a result and its link live, unless the kind differs."
    )
    max_upload_bytes: int = Field(
        20 * MIB, ge=1024, le=200 * MIB, description="The largest single upload, in bytes."
    )
    max_picture_pixels: int = Field(
        50_000_000, ge=10_000, le=200_000_000, description="The largest picture, width x height."
    )
    submits_per_minute: int = Field(
        30, ge=1, le=100_000, description="Jobs one account or address may submit in a minute."
    )
    posting_sites: str = Field(
        SAMPLE,
        description="Where postings come from: names with commas, such as `sample,feed,indeed`. "
        "See Postings.",
    )
    posting_feeds: str | None = Field(
        None, description="Feeds of the site `feed`: addresses or files, with commas between."
    )
    posting_proxies: SecretStr | None = Field(
        None, description="Proxies that boards are asked through, with commas between."
    )
    posting_site_interval_seconds: float = Field(
        10,
        ge=1,
        le=3600,
        description="The least time between two searches of one board, by all workers together.",
    )
    data_dir: Path = Field(
        Path("var"), description="Where beat keeps its schedule and Flower its history."
    )
    flower_host: str = Field("127.0.0.1", description="The address Flower listens on.")
    flower_port: Port = Field(5555, description="The port Flower listens on.")
    flower_user: str = Field("textback", min_length=1, description="The login of Flower.")
    flower_password: SecretStr | None = Field(
        None, min_length=12, description="The password of Flower; it does not start without one."
    )

    @classmethod
    def from_env(cls) -> Settings:
        """Read and check the environment.

        Raises:
            SettingsError: names every variable that is missing or wrong, and what would be right.
        """
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError(_explain(error)) from None

    @field_validator("database_url", "migration_database_url", "database_direct_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        return _checked_url(
            value, ("postgresql", "postgres"), "postgresql://login:password@host/db"
        )

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretStr | None) -> SecretStr | None:
        return _checked_url(value, ("redis", "rediss"), "redis://:password@host:6379/0")

    @field_validator("text_countries")
    @classmethod
    def _countries(cls, value: str) -> str:
        codes = [code.strip().upper() for code in value.split(",") if code.strip()]
        unknown = [code for code in codes if code not in phonenumbers.SUPPORTED_REGIONS]
        if codes != ["*"] and (unknown or not codes):
            wrong = ", ".join(unknown) or "empty"
            raise ValueError(f"must be ISO codes such as KR,US, or * for all; not {wrong}")
        return ",".join(codes)

    @field_validator("posting_sites")
    @classmethod
    def _sites(cls, value: str) -> str:
        return checked_sites(value)

    @field_validator("default_schedule")
    @classmethod
    def _times_and_zone(cls, value: str) -> str:
        try:
            default_schedule(value)
        except ScheduleError as error:
            raise ValueError(
                f"must look like 08:00,22:00 Europe/London; {error.field}: {error}"
            ) from None
        return value

    @field_validator("base_url")
    @classmethod
    def _public_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise ValueError("must be an http(s) address without a path, e.g. https://example.org")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _console_stays_on_this_machine(self) -> Settings:
        """Refuse to show texts on a page that another machine could open."""
        if self.sms_provider == "console" and not (
            is_loopback(self.host) and is_loopback(urlsplit(self.base_url).hostname or "")
        ):
            raise ValueError(
                "SMS_PROVIDER=console shows every text on /dev/phone, so HOST and BASE_URL must "
                "both be loopback addresses such as 127.0.0.1"
            )
        return self

    @field_validator("cron_secret", "cron_secret_before")
    @classmethod
    def _sendable(cls, value: SecretStr | None) -> SecretStr | None:
        """Refuse what no header carries as it is."""
        if value is not None and not re.fullmatch(r"[!-~]+", value.get_secret_value()):
            raise ValueError("must be visible ASCII characters without spaces")
        return value

    @model_validator(mode="after")
    def _old_secret_has_a_new_one(self) -> Settings:
        if self.cron_secret_before is not None and self.cron_secret is None:
            raise ValueError("CRON_SECRET_BEFORE goes with CRON_SECRET, the one that replaces it")
        return self

    @model_validator(mode="after")
    def _twilio_is_complete(self) -> Settings:
        """Refuse to begin what could not send a single text."""
        needed = ("twilio_account_sid", "twilio_auth_token", "twilio_from")
        missing = [name.upper() for name in needed if not getattr(self, name)]
        if self.sms_provider == "twilio" and missing:
            raise ValueError(f"SMS_PROVIDER=twilio needs {', '.join(missing)} too")
        return self

    @property
    def cron_secrets(self) -> tuple[str, ...]:
        """The secrets that open the door for a cron outside; none when it is closed."""
        if self.cron_secret is None:
            return ()
        both = (self.cron_secret, self.cron_secret_before)
        return tuple(one.get_secret_value() for one in both if one is not None)

    @model_validator(mode="after")
    def _feeds_are_read(self) -> Settings:
        """Refuse a site of feeds without any, and feeds that nobody would read."""
        is_offered = FEED in self.offered_sites
        if is_offered and not self.feeds:
            raise ValueError("POSTING_SITES names feed, so POSTING_FEEDS must name at least one")
        if self.feeds and not is_offered:
            raise ValueError("POSTING_FEEDS is set, so POSTING_SITES must name feed too")
        return self

    def may_text(self, country: str) -> bool:
        """Whether numbers of a country, e.g. KR, may be texted."""
        return self.text_countries == "*" or country in self.text_countries.split(",")

    @property
    def offered_sites(self) -> tuple[str, ...]:
        """The sites of postings that people may have searched, in the order of the setting."""
        return tuple(self.posting_sites.split(","))

    @property
    def feeds(self) -> tuple[str, ...]:
        """The operator's feeds: addresses, or files."""
        return _listed(self.posting_feeds)

    @property
    def proxies(self) -> tuple[str, ...]:
        """Proxies for boards."""
        secret = self.posting_proxies
        return _listed(secret.get_secret_value() if secret else None)

    @property
    def look_seconds(self) -> tuple[float, float]:
        """When a text of unknown fate is looked for, after it became unknown."""
        first, second = self.text_looks_seconds.split(",")
        return float(first), float(second)

    @property
    def secure_cookies(self) -> bool:
        """Whether browsers reach us over TLS."""
        return self.base_url.startswith("https://")


def is_loopback(host: str) -> bool:
    """Whether a host name or literal address can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _listed(value: str | None) -> tuple[str, ...]:
    """Return the parts of a setting that has commas between them."""
    return tuple(part for given in (value or "").split(",") if (part := given.strip()))


def _checked_url(
    value: SecretStr | None, schemes: tuple[str, ...], example: str
) -> SecretStr | None:
    if value is not None:
        parts = urlsplit(value.get_secret_value())
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"must look like {example}")
    return value


def _explain(error: ValidationError) -> str:
    lines = []
    for where, kind, words in field_errors(error, Settings):
        name = "_".join(where).upper()
        field = Settings.model_fields.get(name.lower())
        message = "is not set" if kind == "missing" else words
        hint = f" ({field.description})" if field and field.description else ""
        lines.append(f"{name}: {message}{hint}" if name else message)
    return "\n".join(lines)
