"""The settings, as they may be written. Each key is explained in config.example.toml."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d+)\s*(ms|s|m|h|d|w)")


def parse_duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError('must be a duration such as "10s", "15m", "1h" or "31d"')
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError('must be a time zone such as "Europe/Stockholm"') from error
    return name


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", text):
        raise ValueError("must be an address such as https://host:9200, without user or password")
    return text.rstrip("/")


def _list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Url = Annotated[str, AfterValidator(_url)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_list)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Elasticsearch(_Table):
    url: Annotated[tuple[Url, ...], BeforeValidator(_list)] = ()
    cloud_id: str | None = None
    flavor: Literal["auto", "elasticsearch", "opensearch"] = "auto"
    api_key: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None
    client_cert_file: Path | None = None
    client_key_file: Path | None = None
    proxy: str | None = None
    timeout: Duration = timedelta(seconds=30)

    @model_validator(mode="after")
    def _consistent(self) -> "Elasticsearch":
        if bool(self.url) == bool(self.cloud_id):
            raise ValueError("set either url or cloud_id")
        if self.api_key and self.username:
            raise ValueError("set either api_key or username, not both")
        if self.username and not self.password:
            raise ValueError("username needs password_file (or ALERTD_ELASTICSEARCH__PASSWORD)")
        if self.client_key_file and not self.client_cert_file:
            raise ValueError("client_key_file needs client_cert_file")
        return self


class Source(_Table):
    index: str = Field(min_length=1)
    profile: str = "cloudtrail"
    time_fields: Texts = Field(default=("@timestamp",), min_length=1)
    ingest_field: str | None = None
    interval: Duration = timedelta(seconds=10)
    sweep_interval: Duration = timedelta(minutes=15)
    look_back: Duration = timedelta(days=31)
    overlap: Duration = timedelta(hours=1)
    ingest_overlap: Duration = timedelta(minutes=10)
    page_size: int = Field(default=1000, ge=1, le=10_000)

    @model_validator(mode="after")
    def _consistent(self) -> "Source":
        if self.interval < timedelta(seconds=1):
            raise ValueError("interval: at least 1s")
        if self.sweep_interval < self.interval:
            raise ValueError("sweep_interval: not shorter than interval")
        if self.look_back < self.overlap:
            raise ValueError("look_back: not shorter than overlap")
        return self


class SlackDestination(_Table):
    type: Literal["slack"]
    channel: str = Field(min_length=2)
    token: SecretStr | None = None
    base_url: Url = "https://slack.com/api"
    proxy: str | None = None
    timeout: Duration = timedelta(seconds=12)
    settle: Duration = timedelta(minutes=2)
    max_doubt: Duration = timedelta(minutes=15)

    @model_validator(mode="after")
    def _consistent(self) -> "SlackDestination":
        if self.token is None:
            raise ValueError("needs token_file (or the token in the environment)")
        if self.max_doubt <= self.settle:
            raise ValueError("max_doubt: longer than settle")
        return self


class WebhookDestination(_Table):
    type: Literal["slack-webhook"]
    url: SecretStr | None = None
    on_unknown: Literal["resend_marked", "hold"] = "resend_marked"
    verify_token: SecretStr | None = None
    channel: str | None = None
    base_url: Url = "https://slack.com/api"
    proxy: str | None = None
    timeout: Duration = timedelta(seconds=12)
    settle: Duration = timedelta(minutes=2)
    max_doubt: Duration = timedelta(minutes=15)

    @model_validator(mode="after")
    def _consistent(self) -> "WebhookDestination":
        if self.url is None:
            raise ValueError("needs url_file (or the URL in the environment): the URL is a secret")
        if bool(self.verify_token) != bool(self.channel):
            raise ValueError("verify_token_file and channel belong together")
        return self


Destination = Annotated[SlackDestination | WebhookDestination, Field(discriminator="type")]


class Rules(_Table):
    paths: Texts = ("rules/*.toml",)
    notify: Texts = ()
    runbook_base: Url | None = None


class Account(_Table):
    name: str
    owner: str | None = None
    environment: str | None = None


class Message(_Table):
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    discover_url: Url | None = None
    discover_data_view: str | None = None


class Ledger(_Table):
    path: Path = Path("/var/lib/alertd/alertd.db")
    keep: Duration = timedelta(days=400)


class Log(_Table):
    format: Literal["auto", "json", "console"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Ops(_Table):
    notify: str | None = None


class Tables(_Table):
    """Everything a configuration may hold."""

    elasticsearch: Elasticsearch
    sources: dict[str, Source] = Field(min_length=1)
    destinations: dict[str, Destination] = Field(min_length=1)
    rules: Rules = Rules()
    accounts: dict[str, Account] = {}
    message: Message = Message()
    ledger: Ledger = Ledger()
    log: Log = Log()
    ops: Ops = Ops()

    @model_validator(mode="after")
    def _consistent(self) -> "Tables":
        for name in (*self.rules.notify, *([self.ops.notify] if self.ops.notify else [])):
            if name not in self.destinations:
                raise ValueError(f'notify: there is no destination "{name}", only {", ".join(self.destinations)}')
        for account in self.accounts:
            if not re.fullmatch(r"\d{12}", account):
                raise ValueError(f'accounts: "{account}" is not an account id of 12 digits')
        for name, source in self.sources.items():
            if self.ledger.keep < source.look_back + timedelta(days=1):
                raise ValueError(f"ledger.keep: longer than the look_back of {name}, by a day at least")
        return self


class Settings(Tables):
    """Checked, with the secrets in place."""

    path: Path
    warnings: tuple[str, ...] = ()

    def secrets(self) -> tuple[str, ...]:
        """Every secret value: what no output may contain."""
        return tuple(dict.fromkeys(_secrets(self)))


def _secrets(value: Any) -> list[str]:
    if isinstance(value, SecretStr):
        return [value.get_secret_value()]
    if isinstance(value, BaseModel):
        return [secret for name in type(value).model_fields for secret in _secrets(getattr(value, name))]
    if isinstance(value, dict):
        return [secret for item in value.values() for secret in _secrets(item)]
    return []
