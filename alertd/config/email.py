"""A mail server, for what alertd has to say about itself."""

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from alertd.config.duration import SomeTime
from alertd.config.table import Table, of_table
from alertd.config.value import MailAddress, MailAddresses, Secret


class EmailDestination(Table):
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
