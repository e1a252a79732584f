"""The only reader of the environment: typed settings, checked at start."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.errors import SettingsError

Port = Annotated[int, Field(ge=1, le=65535)]
MIB = 1024 * 1024


class Settings(BaseSettings):
    """Everything a deployment may choose. Secrets never appear in a repr, a log or an error."""

    model_config = SettingsConfigDict(
        case_sensitive=False, extra="ignore", hide_input_in_errors=True, validate_default=True
    )

    database_url: SecretStr = Field(
        description="Postgres as the login role, e.g. postgresql://textback_app:…@host/textback."
    )
    migration_database_url: SecretStr | None = Field(
        None, description="Postgres as the owner of the tables; only `textback migrate` uses it."
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
        description="Makes the tokens of result links. 32 or more; changing it ends every link.",
    )
    phone_cipher_key: SecretStr = Field(
        min_length=32,
        description="Encrypts phone numbers at rest. 32 or more; with another, none can be read.",
    )
    phone_hash_key: SecretStr = Field(
        min_length=32,
        description="Finds a phone number without storing it. 32 or more; permanent.",
    )
    sms_provider: Literal["none", "console", "twilio"] = Field(
        "none",
        description="Who carries texts: `none`, or `console` (terminal and /dev/phone, loopback).",
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

    @field_validator("database_url", "migration_database_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        return _checked_url(
            value, ("postgresql", "postgres"), "postgresql://login:password@host/db"
        )

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretStr | None) -> SecretStr | None:
        return _checked_url(value, ("redis", "rediss"), "redis://:password@host:6379/0")

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

    @model_validator(mode="after")
    def _nobody_unverified_is_texted(self) -> Settings:
        """Keep texts on this machine until a number can be verified by a code sent to it."""
        if self.sms_provider == "twilio":
            raise ValueError(
                "SMS_PROVIDER=twilio is not available yet: this release cannot verify that a phone "
                "number belongs to the person who typed it; use none or console"
            )
        return self

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
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        name = "_".join(str(part) for part in problem["loc"]).upper()
        field = Settings.model_fields.get(name.lower())
        message = "is not set" if problem["type"] == "missing" else problem["msg"]
        message = message.removeprefix("Value error, ")
        hint = f" ({field.description})" if field and field.description else ""
        lines.append(f"{name}: {message}{hint}" if name else message)
    return "\n".join(lines)
