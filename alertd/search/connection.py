"""How to reach a search server."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from alertd.search.exchange import basic_authorization


@dataclass(frozen=True, slots=True)
class Connection:
    urls: tuple[str, ...] = ()
    cloud_id: str | None = None
    api_key: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    client_cert_file: Path | None = None
    client_key_file: Path | None = None
    proxy: str | None = field(default=None, repr=False)  # it may hold a password
    timeout: timedelta = timedelta(seconds=30)

    @property
    def where(self) -> str:
        """For people."""
        return ", ".join(self.urls) or "Elastic Cloud"

    @property
    def authorization(self) -> dict[str, str]:
        """As a header."""
        if self.api_key:
            return {"authorization": f"ApiKey {self.api_key}"}
        if self.username:
            return basic_authorization(self.username, self.password or "")
        return {}
