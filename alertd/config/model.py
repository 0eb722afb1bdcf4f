"""What a configuration may hold. config.example.toml explains each key.

Each check stands at the key it is about, so that one mistake never hides another.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

from alertd.config.destination import Destination, DestinationTable, EmailDestination
from alertd.secret import Credential
from alertd.toml.duration import Duration, SomeTime, at_least, show_duration
from alertd.toml.model import Table, of_table
from alertd.toml.value import (
    Address,
    Addresses,
    Daily,
    Networks,
    Proxy,
    Secret,
    Since,
    Texts,
    Timezone,
    Until,
    credential,
    listed,
)

# A server refuses longer pages by its own default (index.max_result_window).
LONGEST_PAGE = 10_000
# Events are remembered for longer than any search reaches back: one that is forgotten too early is told again.
KEEP_BEYOND = timedelta(days=1)

AccountId = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
AccountIds = Annotated[tuple[AccountId, ...], BeforeValidator(listed)]
Severity = Literal["info", "low", "medium", "high", "critical"]


class Elasticsearch(Table):
    secret_keys = ("api_key", "password")

    url: Addresses = ()
    cloud_id: str | None = None
    flavor: Literal["auto", "elasticsearch", "opensearch"] = "auto"
    api_key: Secret | None = None
    username: str | None = None
    password: Secret | None = None
    ca_file: Path | None = None
    client_cert_file: Path | None = None
    client_key_file: Path | None = None
    # It may hold a password where it comes from the environment.
    proxy: Proxy | None = Field(default=None, repr=False)
    timeout: SomeTime = timedelta(seconds=30)

    @field_validator("cloud_id")
    @classmethod
    def _one_place(cls, cloud_id: str | None, info: ValidationInfo) -> str | None:
        if "url" in info.data and bool(info.data["url"]) == bool(cloud_id):
            raise of_table("set either url or cloud_id")
        return cloud_id

    @field_validator("username")
    @classmethod
    def _one_identity(cls, username: str | None, info: ValidationInfo) -> str | None:
        if username and info.data.get("api_key"):
            raise of_table("set either api_key or username and password")
        return username

    @field_validator("password")
    @classmethod
    def _both(cls, password: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if "username" in info.data and bool(info.data["username"]) != bool(password):
            raise of_table("username and password_file belong together")
        return password

    @field_validator("client_key_file")
    @classmethod
    def _with_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if key and "client_cert_file" in info.data and not info.data["client_cert_file"]:
            raise ValueError("needs client_cert_file")
        return key


class Source(Table):
    index: str
    profile: str = "cloudtrail"
    time_fields: Texts = Field(default=("@timestamp",), min_length=1)
    ingest_field: str | None = None
    interval: SomeTime = timedelta(seconds=10)
    sweep_interval: Duration = timedelta(minutes=15)
    look_back: Duration = timedelta(days=31)
    overlap: Duration = timedelta(hours=1)
    ingest_overlap: Duration = timedelta(minutes=10)
    page_size: int = Field(default=1000, ge=1, le=LONGEST_PAGE)
    silent_after: Duration = timedelta(hours=6)

    @field_validator("sweep_interval")
    @classmethod
    def _slower(cls, length: timedelta, info: ValidationInfo) -> timedelta:
        return _not_shorter(length, info, than="interval")

    @field_validator("look_back")
    @classmethod
    def _without_holes(cls, length: timedelta, info: ValidationInfo) -> timedelta:
        return _not_shorter(length, info, than="sweep_interval")

    @field_validator("overlap", "ingest_overlap")
    @classmethod
    def _within(cls, length: timedelta, info: ValidationInfo) -> timedelta:
        reach = info.data.get("look_back")
        if reach is not None and length > reach:
            raise ValueError(f"must not be longer than look_back, {show_duration(reach)}")
        return length


def _not_shorter(length: timedelta, info: ValidationInfo, *, than: str) -> timedelta:
    limit = info.data.get(than)
    if limit is not None and length < limit:
        raise ValueError(f"must not be shorter than {than}, {show_duration(limit)}")
    return length


class Rules(Table):
    paths: Texts = Field(default=("rules/*.toml",), min_length=1)
    notify: Texts = ()
    runbook_base: Address | None = None


class Account(Table):
    name: str
    owner: str | None = None
    environment: str | None = None
    tags: Texts = ()


class Route(Table):
    severity: Annotated[tuple[Severity, ...], BeforeValidator(listed)] = ()
    rule: Texts = ()
    account: AccountIds = ()
    environment: Texts = ()
    tag: Texts = ()
    notify: Texts = Field(min_length=1)


class Expected(Table):
    ticket: str
    who: str | None = None
    account: AccountIds = ()
    rule: Texts = ()
    actor: Texts = ()
    source_ip: Networks = ()
    since: Since | None = None
    until: Until

    @field_validator("until")
    @classmethod
    def _later(cls, until: datetime, info: ValidationInfo) -> datetime:
        since = info.data.get("since")
        if since and until <= since:
            raise ValueError("must be later than since")
        if "source_ip" in info.data and not any(
            info.data.get(key) for key in ("account", "rule", "actor", "source_ip")
        ):
            raise of_table("set at least one of account, rule, actor, source_ip: not everything can be expected")
        return until


class Message(Table):
    timezone: Timezone = "UTC"
    discover_url: Address | None = None
    discover_data_view: str | None = None


class Ledger(Table):
    path: Path = Path("/var/lib/alertd/alertd.db")
    keep: Duration = timedelta(days=400)


class Files(Table):
    allow_world_readable: Texts = ()


class Log(Table):
    format: Literal["auto", "json", "console"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Ops(Table):
    notify: str | None = None
    daily: Daily = "09:00"
    backlog_after: Annotated[Duration, at_least("1m")] = timedelta(minutes=10)
    over_after: SomeTime = timedelta(minutes=2)


class Tables(Table):
    """Everything a configuration may hold."""

    accounts_file: Path | None = None
    elasticsearch: Elasticsearch
    sources: dict[str, Source] = Field(default={}, min_length=1)
    destinations: dict[str, Destination] = Field(default={}, min_length=1)
    rules: Rules = Rules()
    accounts: dict[AccountId, Account] = Field(default={})
    routes: tuple[Route, ...] = ()
    expected: tuple[Expected, ...] = ()
    message: Message = Message()
    ledger: Ledger = Ledger()
    files: Files = Files()
    log: Log = Log()
    ops: Ops = Ops()

    @field_validator("ledger")
    @classmethod
    def _remember(cls, ledger: Ledger, info: ValidationInfo) -> Ledger:
        for name, source in info.data.get("sources", {}).items():
            if ledger.keep < source.look_back + KEEP_BEYOND:
                least = show_duration(source.look_back + KEEP_BEYOND)
                raise ValueError(f"keep must be at least {least}: sources.{name} looks back almost as far")
        return ledger


# The table that keys stand in, by the first part of its name; of destinations there are several.
TABLES: Mapping[str, type[Table]] = {
    "elasticsearch": Elasticsearch,
    "sources": Source,
    "rules": Rules,
    "accounts": Account,
    "routes": Route,
    "expected": Expected,
    "message": Message,
    "ledger": Ledger,
    "files": Files,
    "log": Log,
    "ops": Ops,
}


class Settings(Tables):
    """Checked, with the secrets in place."""

    path: Path
    warnings: tuple[str, ...] = ()

    @property
    def alert_destinations(self) -> tuple[str, ...]:
        """Those that rules may name: a mail cannot be threaded, listed or read back, so it is for [ops] alone."""
        return tuple(name for name, table in self.destinations.items() if not isinstance(table, EmailDestination))

    def secrets(self) -> tuple[Credential, ...]:
        """What no output may contain."""
        tables = (self.elasticsearch, *self.destinations.values())
        return tuple(secret for table in tables for secret in secrets_of(table))


def secrets_of(table: Elasticsearch | DestinationTable) -> Iterator[Credential]:
    """What goes out with requests, and so may come back in answers."""
    for key in table.secret_keys:
        secret = getattr(table, key)
        if secret is not None:
            yield credential(secret)
    password = None if isinstance(table, EmailDestination) else urlsplit(table.proxy or "").password
    if password:
        yield from map(Credential, dict.fromkeys((password, unquote(password))))
