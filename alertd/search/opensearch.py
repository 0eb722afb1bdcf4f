"""The wire to OpenSearch 2 and 3 and to the embedded server, by opensearch-py without its retries."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import opensearchpy
from opensearchpy.exceptions import ConnectionError as NoConnectionError
from opensearchpy.exceptions import SSLError, TransportError

from alertd.errors import PermanentError, RetryError
from alertd.search.answer import of_failure
from alertd.search.connection import Connection, describe_tls_failure


class OpenSearchWire:
    flavor = "opensearch"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._server_time: datetime | None = None
        self._client = opensearchpy.OpenSearch(**_options(connection, self._learn))

    def request(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: object = None
    ) -> dict[str, Any]:
        try:
            answer = self._client.transport.perform_request(method, path, params=params, body=body)
        except SSLError as error:
            raise PermanentError(describe_tls_failure(error, self._connection)) from error
        except NoConnectionError as error:
            raise RetryError(f"{self._connection.where} does not answer: {error.info or error.error}") from error
        except TransportError as error:
            raise of_failure(int(error.status_code), error.info or error.error, path) from error
        except opensearchpy.exceptions.SerializationError as error:
            raise RetryError(f"{self._connection.where}{path}: an answer that is not JSON") from error
        if not isinstance(answer, dict):
            raise RetryError(f"{self._connection.where}{path}: an answer that is not JSON")
        return answer

    def _learn(self, headers: Mapping[str, str]) -> None:
        date = next((value for name, value in headers.items() if name.lower() == "date"), None)
        self._server_time = parsedate_to_datetime(date) if date else self._server_time

    def open_pit(self, index: str, keep_alive: str) -> str:
        params = {"keep_alive": keep_alive, "ignore_unavailable": "false"}
        return str(self.request("POST", f"/{index}/_search/point_in_time", params=params)["pit_id"])

    def close_pit(self, pit: str) -> None:
        """It expires by itself: failing to close it is no failure of the scan."""
        try:
            self.request("DELETE", "/_search/point_in_time", body={"pit_id": [pit]})
        except (RetryError, PermanentError):
            return

    def server_time(self) -> datetime | None:
        return self._server_time

    def close(self) -> None:
        self._client.close()


def _options(connection: Connection, learn: Any) -> dict[str, Any]:
    class Listening(opensearchpy.RequestsHttpConnection):
        """opensearch-py drops an answer's headers; the Date is needed. It also knows no proxy option."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            if connection.proxy:
                self.session.proxies = {"http": connection.proxy, "https": connection.proxy}

        def perform_request(self, *args: Any, **kwargs: Any) -> Any:
            status, headers, text = super().perform_request(*args, **kwargs)
            learn(headers)
            return status, headers, text

    options: dict[str, Any] = {
        "hosts": list(connection.urls),
        "timeout": connection.timeout.total_seconds(),
        "max_retries": 0,
        "retry_on_timeout": False,
        "retry_on_status": (),
        "connection_class": Listening,
    }
    if connection.username:
        options["http_auth"] = (connection.username, connection.password or "")
    if connection.api_key:
        options["headers"] = {"authorization": f"ApiKey {connection.api_key}"}
    if connection.ca_file:
        options["ca_certs"] = str(connection.ca_file)
    if connection.client_cert_file:
        options["client_cert"] = str(connection.client_cert_file)
        options["client_key"] = str(connection.client_key_file or connection.client_cert_file)
    return options
