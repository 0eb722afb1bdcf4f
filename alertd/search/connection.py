"""How to reach a search server, and which kind it is."""

import json
import ssl
import urllib.error
import urllib.request
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from alertd.errors import PermanentError, RetryError
from alertd.search import SearchClient
from alertd.search.answer import of_failure


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
    proxy: str | None = None
    timeout: timedelta = timedelta(seconds=30)

    @property
    def where(self) -> str:
        """For people."""
        return ", ".join(self.urls) or "Elastic Cloud"


def connect(connection: Connection, *, flavor: str = "auto") -> SearchClient:
    """`flavor`: "elasticsearch", "opensearch", or "auto" to ask the server. RetryError, PermanentError."""
    from alertd.search.client import Client  # the client library of the other flavor is never loaded: it costs memory

    kind = _ask_flavor(connection) if flavor == "auto" and not connection.cloud_id else flavor
    if kind == "opensearch":
        from alertd.search.opensearch import OpenSearchWire

        return Client(OpenSearchWire(connection))
    from alertd.search.elasticsearch import ElasticsearchWire

    return Client(ElasticsearchWire(connection))


def describe_tls_failure(error: Exception, connection: Connection) -> str:
    trusted = (
        f"trusted by {connection.ca_file}" if connection.ca_file else "trusted by this machine (ca_file is not set)"
    )
    return (
        f"{connection.where}: the TLS connection failed: {error}. "
        f"Its certificate must be {trusted}, valid, and for this host."
    )


def _ask_flavor(connection: Connection) -> str:
    """OpenSearch says so in its version; Elasticsearch has no such word."""
    request = urllib.request.Request(connection.urls[0].rstrip("/") + "/", headers=_authorization(connection))
    proxies = {"http": connection.proxy, "https": connection.proxy} if connection.proxy else {}
    context = ssl.create_default_context(cafile=str(connection.ca_file) if connection.ca_file else None)
    if connection.client_cert_file:
        context.load_cert_chain(connection.client_cert_file, connection.client_key_file)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(request, timeout=connection.timeout.total_seconds()) as answer:
            root = json.load(answer)
        version = root["version"]
    except urllib.error.HTTPError as error:
        raise of_failure(error.code, _decoded(error.read()), connection.where) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLError):
            raise PermanentError(describe_tls_failure(error.reason, connection)) from error
        raise RetryError(f"{connection.where} does not answer: {error.reason}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RetryError(f"{connection.where} gives no search server's answer: {error!r}") from error
    return "opensearch" if version.get("distribution") == "opensearch" else "elasticsearch"


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


def _authorization(connection: Connection) -> dict[str, str]:
    if connection.api_key:
        return {"Authorization": f"ApiKey {connection.api_key}"}
    if connection.username:
        pair = f"{connection.username}:{connection.password or ''}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    return {}
