"""Where messages may go: a table for each type of destination."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from alertd.toml.duration import Duration, SomeTime, show_duration
from alertd.toml.model import Table, of_table
from alertd.toml.value import Address, MailAddress, MailAddresses, Proxy, Secret, WebhookAddress


class _SlackTable(Table):
    base_url: Address = "https://slack.com/api"
    proxy: Proxy | None = Field(default=None, repr=False)
    timeout: SomeTime = timedelta(seconds=12)
    settle: SomeTime = timedelta(minutes=2)
    max_doubt: Duration = timedelta(minutes=15)

    @field_validator("max_doubt")
    @classmethod
    def _after_settling(cls, length: timedelta, info: ValidationInfo) -> timedelta:
        settle = info.data.get("settle")
        if settle is not None and length <= settle:
            raise ValueError(f"must be longer than settle, {show_duration(settle)}")
        return length


class SlackDestination(_SlackTable):
    secret_keys = ("token",)

    type: Literal["slack"]
    channel: str
    token: Secret

    @property
    def place(self) -> str:
        return self.channel


class WebhookDestination(_SlackTable):
    secret_keys = ("url", "verify_token")

    type: Literal["slack-webhook"]
    url: WebhookAddress
    on_unknown: Literal["resend_marked", "hold"] = "resend_marked"
    channel: str | None = None
    verify_token: Secret | None = None

    @property
    def place(self) -> str:
        return self.channel or ""

    @field_validator("verify_token")
    @classmethod
    def _both(cls, token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if "channel" in info.data and bool(info.data["channel"]) != bool(token):
            raise of_table("channel and verify_token_file belong together: both read the channel back")
        return token


class EmailDestination(Table):
    """A mail server, for what alertd has to say about itself."""

    secret_keys = ("password",)

    type: Literal["email"]
    host: str
    port: int | None = Field(default=None, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: Secret | None = None
    sender: MailAddress = Field(alias="from")
    to: MailAddresses = Field(min_length=1)
    ca_file: Path | None = None
    timeout: SomeTime = timedelta(seconds=30)

    @property
    def place(self) -> str:
        """Where it goes, for people."""
        return self.host

    @field_validator("password")
    @classmethod
    def _both(cls, password: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if "username" in info.data and bool(info.data["username"]) != bool(password):
            raise of_table("username and password_file belong together")
        if password and info.data.get("security") == "none":
            raise of_table('a password is not sent without encryption: security = "starttls" or "tls"')
        return password


DestinationTable = SlackDestination | WebhookDestination | EmailDestination
DESTINATIONS: Mapping[str, type[DestinationTable]] = {
    "slack": SlackDestination,
    "slack-webhook": WebhookDestination,
    "email": EmailDestination,
}
Destination = Annotated[DestinationTable, Field(discriminator="type")]


def type_and_place(table: DestinationTable) -> str:
    """What kind of destination it is and where it leads, for people."""
    return f"{table.type} {table.place}".rstrip()
