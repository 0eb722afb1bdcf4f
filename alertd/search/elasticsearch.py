"""The wire to Elasticsearch 8 and 9, by elasticsearch-py 8 without its retries, over alertd's own exchange."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import elastic_transport
import elasticsearch
from elastic_transport.client_utils import url_to_node_config

from alertd.errors import PermanentError, RetryError
from alertd.search.answer import UnwieldyError, not_an_answer
from alertd.search.connection import Connection
from alertd.search.exchange import Exchange
from alertd.secret import Secrets

# Both servers speak the format of version 8; the 9.x client's would be refused by a server 8.
_HEADERS = {
    "accept": "application/vnd.elasticsearch+json; compatible-with=8",
    "content-type": "application/vnd.elasticsearch+json; compatible-with=8",
}


class ElasticsearchWire:
    flavor = "elasticsearch"

    def __init__(self, connection: Connection, exchange: Exchange) -> None:
        self._connection = connection
        self._exchange = exchange
        try:
            self._client = elasticsearch.Elasticsearch(
                **_servers(connection),
                node_class=_node(exchange),
                max_retries=0,
            )
            # one for each of the few deadlines there are: the library makes some forty objects for each
            self._with = cache(lambda seconds: self._client.options(request_timeout=seconds))
        except ValueError as error:
            key = "cloud_id" if connection.cloud_id else "url"
            raise PermanentError(f"elasticsearch.{key} is not valid: {error}.") from error

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
        client = self._with(deadline.total_seconds())
        try:
            answer = client.perform_request(method, path, params=params, headers=_HEADERS, body=body)
        except elasticsearch.UnsupportedProductError as error:
            if not isinstance(error.body, dict):
                raise not_an_answer(error.body, where, self._exchange.secrets) from error
            what = (
                f"{self._connection.where} answers without the header X-Elastic-Product. If it is OpenSearch, set "
                'elasticsearch.flavor = "opensearch". If it is Elasticsearch, a proxy before it takes the header away: '
                "let that pass it on. Another flavor would not do."
            )
            raise PermanentError(what) from error
        except elasticsearch.ApiError as error:
            raise self._exchange.failure(error.meta.status, error.body, where) from error
        except elastic_transport.TlsError as error:
            raise PermanentError(error.message) from error
        except elastic_transport.SerializationError as error:  # its message repeats all of the answer
            raise not_an_answer(_answered(error), where, self._exchange.secrets) from None
        except elastic_transport.TransportError as error:
            raise RetryError(f"{error.message} ({where})") from error
        except RecursionError as error:
            raise UnwieldyError(f"an answer nested too deep to be read ({where})") from error
        if not isinstance(answer.body, (dict, list)):
            raise not_an_answer(answer.body, where, self._exchange.secrets)
        return answer.body

    def pit_request(self, index: str, *, part: bool) -> tuple[str, dict[str, str]]:
        return f"/{index}/_pit", {"allow_partial_search_results": "true"} if part else {}

    def pit_id(self, answer: Mapping[str, Any]) -> str:
        return str(answer["id"])

    def close_request(self, pit: str) -> tuple[str, object]:
        return "/_pit", {"id": pit}

    def server_date(self) -> datetime | None:
        return self._exchange.server_date

    @property
    def secrets(self) -> Secrets:
        return self._exchange.secrets

    def close(self) -> None:
        self._client.close()
        self._exchange.close()


def _servers(connection: Connection) -> dict[str, Any]:
    if connection.cloud_id:
        return {"cloud_id": connection.cloud_id}
    return {
        "hosts": [url_to_node_config(url, use_default_ports_for_scheme=True) for url in dict.fromkeys(connection.urls)]
    }


def _answered(error: elastic_transport.SerializationError) -> str:
    return str(error.message).removeprefix("Unable to deserialize as JSON: ")


class _Answer(NamedTuple):
    meta: elastic_transport.ApiResponseMeta
    body: bytes


def _node(exchange: Exchange) -> type[elastic_transport.BaseNode]:
    class Node(elastic_transport.BaseNode):
        """One server. After what is raised here the library asks the others first, for a while."""

        def perform_request(
            self,
            method: str,
            target: str,
            body: bytes | None = None,
            headers: elastic_transport.HttpHeaders | None = None,
            request_timeout: Any = None,  # in seconds: each request of the wire has its own
        ) -> Any:  # the library does not export its type
            try:
                reply = exchange.send(
                    method,
                    f"{self.base_url}{target}",
                    headers={**self.headers, **(headers or {})},
                    body=body,
                    deadline=timedelta(seconds=request_timeout),
                )
            except PermanentError as error:
                raise elastic_transport.TlsError(str(error)) from error
            except RetryError as error:
                raise elastic_transport.ConnectionError(str(error)) from error
            # the library would print deprecations, of its own requests, as Python warnings
            headers = elastic_transport.HttpHeaders({**reply.headers, "content-type": reply.kind})
            headers.pop("warning", None)
            meta = elastic_transport.ApiResponseMeta(
                status=reply.status, http_version="1.1", headers=headers, duration=0.0, node=self.config
            )
            return _Answer(meta, reply.body)

    return Node
