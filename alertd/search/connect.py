"""Connect to a search server, and find out which kind it is."""

from alertd.errors import AlertdError, PermanentError, RetryError
from alertd.search import SearchClient
from alertd.search.answer import not_an_answer, reason
from alertd.search.connection import Connection
from alertd.search.exchange import Exchange, Reply

_OK = 200
_FORBIDDEN = 403


def connect(connection: Connection, *, flavor: str = "auto") -> SearchClient:
    """`flavor`: "elasticsearch", "opensearch", or "auto" to ask the server. RetryError, PermanentError."""
    exchange = Exchange(connection)
    if connection.cloud_id:
        if flavor == "opensearch":
            raise PermanentError("elasticsearch.cloud_id is Elastic's: it goes with flavor elasticsearch, or auto.")
        flavor = "elasticsearch"
    elif flavor == "auto":
        flavor = _ask_flavor(connection, exchange)
    return _client(connection, exchange, flavor)


def _client(connection: Connection, exchange: Exchange, flavor: str) -> SearchClient:
    # Here, because the library of the other flavor is never loaded: it takes as much memory as all of alertd.
    from alertd.search.client import Client

    if flavor == "opensearch":
        from alertd.search.opensearch import OpenSearchWire

        return Client(OpenSearchWire(connection, exchange), timeout=connection.timeout)
    from alertd.search.elasticsearch import ElasticsearchWire

    return Client(ElasticsearchWire(connection, exchange), timeout=connection.timeout)


def _ask_flavor(connection: Connection, exchange: Exchange) -> str:
    """The first server that answers tells."""
    failure: AlertdError | None = None
    for url in connection.urls:
        try:
            reply = exchange.send("GET", f"{url}/", headers={}, body=None, deadline=connection.timeout)
            return _flavor(reply, url, exchange)
        except (RetryError, PermanentError) as error:
            failure = failure or error
    raise failure or PermanentError("set elasticsearch.url or elasticsearch.cloud_id.")


def _flavor(reply: Reply, url: str, exchange: Exchange) -> str:
    body = reply.json()
    product = reply.headers.get("x-elastic-product")
    if reply.status == _FORBIDDEN and (product or "security_exception" in reason(body, exchange.secrets)):
        # A key for some indices only may not ask. Elasticsearch shows itself in a header, OpenSearch does not.
        return "elasticsearch" if product else "opensearch"
    if reply.status != _OK:
        raise exchange.failure(reply.status, body, url)
    if not isinstance(body, dict) or not isinstance(version := body.get("version"), dict):
        raise not_an_answer(body, url, exchange.secrets)
    # On request, OpenSearch calls itself Elasticsearch 7.10: its tagline still tells.
    if version.get("distribution") == "opensearch" or "OpenSearch" in str(body.get("tagline")):
        return "opensearch"
    return "elasticsearch"
