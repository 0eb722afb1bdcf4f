"""The wire to OpenSearch 2 and 3 and to the embedded server, by opensearch-py without its retries."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from http.client import HTTP_PORT, HTTPS_PORT
from typing import Any
from urllib.parse import urlencode, urlsplit

import opensearchpy
from opensearchpy.exceptions import ConnectionError as NoConnectionError
from opensearchpy.exceptions import SerializationError, SSLError, TransportError

from alertd.errors import PermanentError, RetryError
from alertd.search.answer import UnwieldyError, not_an_answer
from alertd.search.connection import Connection
from alertd.search.exchange import Exchange
from alertd.secret import Secrets

_OK = 200
_MULTIPLE_CHOICES = 300


class OpenSearchWire:
    flavor = "opensearch"

    def __init__(self, connection: Connection, exchange: Exchange) -> None:
        self._exchange = exchange
        self._client = opensearchpy.OpenSearch(
            hosts=[_address(url) for url in connection.urls],
            connection_class=_node(exchange),
            max_retries=0,
        )

    def request(
        self,
        method: str,
        path: str,
        *,
        where: str,
        deadline: timedelta,
        params: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Any:
        try:
            answer = self._client.transport.perform_request(
                method, path, params=dict(params or {}), body=body, timeout=deadline.total_seconds()
            )
        except SSLError as error:
            raise PermanentError(str(error.error)) from error
        except NoConnectionError as error:
            raise RetryError(f"{error.error} ({where})") from error
        except SerializationError as error:
            raise not_an_answer(error.args[0], where, self._exchange.secrets) from error
        except TransportError as error:
            raise self._exchange.failure(int(error.status_code), error.info, where) from error
        except RecursionError as error:
            raise UnwieldyError(f"an answer nested too deep to be read ({where})") from error
        if not isinstance(answer, (dict, list)):
            raise not_an_answer(answer, where, self._exchange.secrets)
        return answer

    def pit_request(self, index: str, *, part: bool) -> tuple[str, dict[str, str]]:
        # by default a point in time may leave out shards that do not answer
        return f"/{index}/_search/point_in_time", {"allow_partial_pit_creation": "true" if part else "false"}

    def pit_id(self, answer: Mapping[str, Any]) -> str:
        return str(answer["pit_id"])

    def close_request(self, pit: str) -> tuple[str, object]:
        return "/_search/point_in_time", {"pit_id": [pit]}

    def server_date(self) -> datetime | None:
        return self._exchange.server_date

    @property
    def secrets(self) -> Secrets:
        return self._exchange.secrets

    def close(self) -> None:
        self._client.close()
        self._exchange.close()


def _address(url: str) -> dict[str, object]:
    """By itself, the library takes a port of its own where the URL has none."""
    parts = urlsplit(url)
    port = parts.port or (HTTPS_PORT if parts.scheme == "https" else HTTP_PORT)
    return {"host": parts.hostname, "port": port, "scheme": parts.scheme, "url_prefix": parts.path}


def _node(exchange: Exchange) -> type[opensearchpy.Connection]:
    class Node(opensearchpy.Connection):
        """One server. After what is raised here the library asks the others first, for a while."""

        def perform_request(  # noqa: PLR0917 the library's signature
            self,
            method: str,
            url: str,
            params: Mapping[str, Any] | None = None,
            body: bytes | None = None,
            timeout: Any = None,  # in seconds: each request of the wire has its own
            ignore: Collection[int] = (),  # noqa: ARG002 the library's signature
            headers: Mapping[str, str] | None = None,
        ) -> tuple[int, Mapping[str, str], str]:
            query = f"?{urlencode(params)}" if params else ""
            try:
                reply = exchange.send(
                    method,
                    f"{self.host}{self.url_prefix}{url}{query}",
                    headers={**self.headers, **(headers or {})},
                    body=body,
                    deadline=timedelta(seconds=timeout),
                )
            except PermanentError as error:
                raise SSLError("N/A", str(error), error) from error
            except RetryError as error:
                raise NoConnectionError("N/A", str(error), error) from error
            text = reply.body.decode(errors="replace")
            if not _OK <= reply.status < _MULTIPLE_CHOICES:
                raise TransportError(reply.status, text, reply.json())
            return reply.status, {"content-type": reply.kind}, text

        def close(self) -> None:
            """The exchange, which all share, holds the connections."""

    return Node
