"""How to reach a search server."""

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from alertd.secret import Credential, Secrets


@dataclass(frozen=True, slots=True)
class Connection:
    urls: tuple[str, ...] = ()
    cloud_id: str | None = None
    api_key: Credential | None = None
    username: str | None = None
    password: Credential | None = None
    ca_file: Path | None = None
    client_cert_file: Path | None = None
    client_key_file: Path | None = None
    proxy: str | None = field(default=None, repr=False)  # it may hold a password
    timeout: timedelta = timedelta(seconds=30)
    secrets: Secrets = field(default_factory=Secrets, repr=False)  # what no error may repeat

    @property
    def where(self) -> str:
        """For people."""
        return ", ".join(self.urls) or "Elastic Cloud"

    @property
    def credential(self) -> Credential | None:
        """What a server may refuse, and a file may have anew."""
        return self.api_key or self.password

    def authorization(self, secret: str) -> dict[str, str]:
        """As a header, with this value of the credential."""
        if self.api_key:
            # Kibana shows a key as id:key too. An encoded one holds no colon.
            key = b64encode(secret.encode()).decode() if ":" in secret else secret
            return {"authorization": f"ApiKey {key}"}
        if self.username:
            return basic_authorization(self.username, secret)
        return {}


def basic_authorization(username: str, password: str, *, header: str = "authorization") -> dict[str, str]:
    return {header: f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"}
