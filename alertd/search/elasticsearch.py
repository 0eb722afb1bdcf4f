"""The wire to Elasticsearch 8 and 9, by elasticsearch-py 8 without its retries."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import elastic_transport
import elasticsearch

from alertd.errors import PermanentError, RetryError
from alertd.search.answer import of_failure
from alertd.search.connection import Connection, describe_tls_failure

# Both servers speak the format of version 8; the 9.x client's would be refused by a server 8.
_HEADERS = {
    "accept": "application/vnd.elasticsearch+json; compatible-with=8",
    "content-type": "application/vnd.elasticsearch+json; compatible-with=8",
}


class ElasticsearchWire:
    flavor = "elasticsearch"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._client = elasticsearch.Elasticsearch(**_options(connection))
        self._server_time: datetime | None = None

    def request(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: object = None
    ) -> dict[str, Any]:
        try:
            answer = self._client.perform_request(method, path, params=params, headers=_HEADERS, body=body)
        except elasticsearch.ApiError as error:
            raise of_failure(error.meta.status, error.body, path) from error
        except elasticsearch.UnsupportedProductError as error:
            raise PermanentError(
                f"{self._connection.where} is not Elasticsearch. Is it OpenSearch? Set flavor."
            ) from error
        except elastic_transport.TlsError as error:
            raise PermanentError(describe_tls_failure(error, self._connection)) from error
        except elastic_transport.TransportError as error:
            raise RetryError(f"{self._connection.where} does not answer: {error.message}") from error
        date = answer.meta.headers.get("date")
        self._server_time = parsedate_to_datetime(date) if date else self._server_time
        if not isinstance(answer.body, dict):
            raise RetryError(f"{self._connection.where}{path}: an answer that is not JSON")
        return answer.body

    def open_pit(self, index: str, keep_alive: str) -> str:
        params = {"keep_alive": keep_alive, "ignore_unavailable": "false"}
        return str(self.request("POST", f"/{index}/_pit", params=params)["id"])

    def close_pit(self, pit: str) -> None:
        """It expires by itself: failing to close it is no failure of the scan."""
        try:
            self.request("DELETE", "/_pit", body={"id": pit})
        except (RetryError, PermanentError):
            return

    def server_time(self) -> datetime | None:
        return self._server_time

    def close(self) -> None:
        self._client.close()


def _options(connection: Connection) -> dict[str, Any]:
    options: dict[str, Any] = {
        "request_timeout": connection.timeout.total_seconds(),
        "max_retries": 0,
        "retry_on_timeout": False,
        "retry_on_status": (),
    }
    if connection.cloud_id:
        options["cloud_id"] = connection.cloud_id
    else:
        options["hosts"] = list(connection.urls)
    if connection.api_key:
        options["api_key"] = connection.api_key
    if connection.username:
        options["basic_auth"] = (connection.username, connection.password or "")
    if connection.ca_file:
        options["ca_certs"] = str(connection.ca_file)
    if connection.client_cert_file:
        options["client_cert"] = str(connection.client_cert_file)
        options["client_key"] = str(connection.client_key_file or connection.client_cert_file)
    if connection.proxy:
        options["node_class"] = _through(connection.proxy)
    return options


def _through(proxy: str) -> type[elastic_transport.RequestsHttpNode]:
    class ProxiedNode(elastic_transport.RequestsHttpNode):
        """The urllib3 node knows no proxies; requests does."""

        def __init__(self, config: elastic_transport.NodeConfig) -> None:
            super().__init__(config)
            self.session.proxies = {"http": proxy, "https": proxy}

    return ProxiedNode
