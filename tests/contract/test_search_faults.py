"""What each fault of a search server becomes, with the real client libraries over real sockets."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alertd.errors import AlertdError, PartialError, PermanentError, RetryError
from alertd.search import Search, SearchClient
from alertd.search.connect import connect
from alertd.search.connection import Connection
from tests.fakes import search_server as fake
from tests.fakes.search_server import Fault, Handler, ScriptedServer, reply, serving, shards, whole

SHORT = timedelta(seconds=1)
# Far longer than anything here takes, far shorter than "never".
SOON_SECONDS = 5
ALL = Search("logs-*", {"match_all": {}}, ("n",), 10, SHORT)
PHASE = "search_phase_execution_exception"
HTML = "<html><body>Be right back</body></html>"

# What Elasticsearch 8.19 and 9.5 say of a remote cluster that is down.
GONE = {"type": "connect_transport_exception", "reason": "Unable to connect to [eu]"}
SKIPPED = {
    "total": 1,
    "successful": 0,
    "skipped": 1,
    "running": 0,
    "partial": 0,
    "failed": 0,
    "details": {
        "eu": {
            "status": "skipped",
            "indices": "logs-*",
            "timed_out": False,
            "failures": [{"shard": -1, "index": None, "reason": GONE}],
        }
    },
}
REFUSED = {
    "error": {
        "root_cause": [{"type": "uncategorized_execution_exception", "reason": "Failed execution"}],
        "type": "connect_transport_exception",
        "reason": "[][192.0.2.9:9300] connect_exception",
        "caused_by": {"type": "connect_exception", "reason": "Connection refused"},
    },
    "status": 502,
}

# name: (what the server does, which error it becomes, what the error says)
FAULTS: dict[str, tuple[Fault, type[AlertdError], str]] = {
    "rejected": (
        reply(429, fake.error_body("es_rejected_execution_exception", "queue is full")),
        RetryError,
        "429 es_rej",
    ),
    "all shards rejected": (reply(429, fake.error_body(PHASE, "all shards failed")), RetryError, "429"),
    "circuit breaker": (
        reply(503, fake.error_body("circuit_breaking_exception", "Data too large")),
        RetryError,
        "Data too",
    ),
    "starting": (
        reply(503, fake.error_body("cluster_block_exception", "not recovered")),
        RetryError,
        "503 cluster_block",
    ),
    "red index": (
        reply(503, fake.error_body(PHASE, "Search rejected due to missing shards")),
        PartialError,
        "missing sh",
    ),
    "gateway": (reply(502, HTML, kind="text/html"), RetryError, "502 <html>"),
    "gateway's JSON": (reply(504, {"message": "Endpoint request timed out"}), RetryError, "Endpoint request"),
    "not a known status": (reply(529, "", kind="text/plain"), RetryError, "529"),
    "JSON that is no object": (reply(500, ["no"]), RetryError, "500 ['no']"),
    "HTML with status 200": (reply(200, HTML, kind="text/html"), RetryError, "not a search server's"),
    "JSON of something else": (reply(200, {"status": "ok"}), RetryError, "not a search server's"),
    "a list": (reply(200, [1]), RetryError, "not a search server's"),
    "nothing": (reply(200, ""), RetryError, ""),
    "null": (reply(200, "null"), RetryError, "not a search server's"),
    "invalid UTF-8": (reply(200, b'{"took": "\xff'), RetryError, ""),
    "truncated JSON": (reply(200, '{"took": 1, "hits": {"hi'), RetryError, ""),
    "hits that are none": (reply(200, whole([{"_id": "1"}])), RetryError, "not a search server's"),
    "cut short": (fake.cut_short, RetryError, "does not answer"),
    "reset": (fake.reset, RetryError, "Connection reset by peer"),
    "hung up": (fake.hang_up, RetryError, "does not answer"),
    "hanging": (fake.hang, RetryError, "no whole answer within 1 s"),
    "dripping its head": (fake.drip_head, RetryError, "no whole answer within 1 s"),
    "dripping its body": (fake.drip_body, RetryError, "no whole answer within 1 s"),
    "timed out": (reply(200, whole([], timed_out=True)), PartialError, "time limit"),
    "terminated early": (reply(200, whole([], terminated_early=True)), PartialError, "time limit"),
    "shard failed": (reply(200, whole([], _shards=shards(failed=1))), PartialError, "1 of 5 shards failed"),
    "why it failed": (
        reply(200, whole([], _shards=shards(failed=1))),
        PartialError,
        "node_gone: the node left [logs-1]",
    ),
    "shard lost": (reply(200, whole([], _shards=shards(lost=1))), PartialError, "only 4 of 5 shards"),
    "no shard": (reply(200, whole([], _shards=shards(total=0))), PermanentError, "no index was searched"),
    "cluster skipped": (
        reply(
            200,
            whole([], _clusters={"total": 2, "successful": 1, "skipped": 1, "details": {"eu": {"status": "skipped"}}}),
        ),
        PartialError,
        "1 of 2 clusters did not answer (index logs-*): eu",
    ),
    # as Elasticsearch 8.19 and 9.5 answer where no other cluster is asked: its lack of shards is no wrong index
    "only cluster skipped": (
        reply(200, whole([], _shards=shards(total=0), _clusters=SKIPPED)),
        PartialError,
        "1 of 1 clusters did not answer (index logs-*): eu",
    ),
    "cluster partial": (
        reply(200, whole([], _clusters={"total": 2, "successful": 1, "skipped": 0, "partial": 1})),
        PartialError,
        "1 of 2 clusters",
    ),
    "wrong password": (
        reply(401, fake.error_body("security_exception", "unable to authenticate")),
        PermanentError,
        "api_key",
    ),
    "no privilege": (
        reply(403, fake.error_body("security_exception", "is unauthorized")),
        PermanentError,
        "privileges read",
    ),
    "no such index": (
        reply(404, fake.error_body("index_not_found_exception", "no such index")),
        PermanentError,
        "check the key index of the source",
    ),
    "bad query": (
        reply(400, fake.error_body("parsing_exception", "unknown query [x]")),
        PermanentError,
        "unknown query [x]",
    ),
    "too long a request": (reply(413, "", kind="text/plain"), PermanentError, "413"),
    "redirected": (reply(302, "", kind="text/plain"), PermanentError, "302"),
}


@pytest.fixture(params=["elasticsearch", "opensearch"])
def server(request: pytest.FixtureRequest) -> Iterator[ScriptedServer]:
    with serving(ScriptedServer(request.param)) as scripted:
        yield scripted


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[SearchClient]:
    client = connect(Connection(urls=(server.url,), timeout=SHORT), flavor=server.flavor)
    yield client
    client.close()


def ids(client: SearchClient, search: Search = ALL) -> list[str]:
    return [hit.id for page in client.pages(search) for hit in page]


def numbers(count: int) -> list[str]:
    return [str(number) for number in range(count)]


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_becomes_its_error_and_never_an_empty_result(
    server: ScriptedServer, client: SearchClient, name: str
) -> None:
    """A failed search is not an empty result."""
    fault, expected, said = FAULTS[name]
    server.always["search"] = fault
    with pytest.raises(expected) as caught:
        ids(client)
    assert said in str(caught.value)
    assert "logs-*" in str(caught.value) or server.url in str(caught.value)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_any_page_fails_the_whole_scan(server: ScriptedServer, client: SearchClient, name: str) -> None:
    """What was yielded before an error never counts as a complete answer."""
    fault, expected, _ = FAULTS[name]
    server.documents = 35
    server.faults["page", 3] = server.faults["page", 4] = fault
    pages = client.pages(ALL)
    assert 20 == len(next(pages)) + len(next(pages))
    with pytest.raises(expected):
        next(pages)


def test_no_request_is_repeated_by_the_client_libraries(server: ScriptedServer, client: SearchClient) -> None:
    """There is one retry policy, and it is alertd's."""
    for name in ("rejected", "starting", "reset", "hanging"):
        server.always["search"], before = FAULTS[name][0], server.count("search")
        with pytest.raises(RetryError):
            ids(client)
        assert before + 1 == server.count("search"), name
        server.always["root"], before = FAULTS[name][0], server.count("root")
        with pytest.raises(RetryError):
            client.server()
        assert before + 1 == server.count("root"), name


@pytest.mark.parametrize("name", ["hanging", "dripping its head", "dripping its body"])
def test_a_deadline_bounds_the_whole_exchange(server: ScriptedServer, client: SearchClient, name: str) -> None:
    """A server that sends a byte now and then does not hold a poll for ever."""
    server.always["search"] = FAULTS[name][0]
    started = time.monotonic()
    with pytest.raises(RetryError):
        ids(client)
    assert time.monotonic() - started < SOON_SECONDS


def test_a_query_is_not_blamed_for_a_sick_server(server: ScriptedServer, client: SearchClient) -> None:
    """Rules set aside for a red index would be silent when it is green again."""
    server.always["search"] = FAULTS["red index"][0]
    with pytest.raises(PartialError):
        client.validate("logs-*", {"match_all": {}})
    server.always["search"] = FAULTS["no such index"][0]
    with pytest.raises(PermanentError):
        client.validate("logs-*", {"match_all": {}})


def test_a_query_is_blamed_where_another_one_works(server: ScriptedServer, client: SearchClient) -> None:
    """Whatever the error: some queries are too much for a server."""
    for name in ("bad query", "red index", "shard failed"):
        asked = server.count("search")
        # the query, another one, and the query again
        server.faults["search", asked + 1] = server.faults["search", asked + 3] = FAULTS[name][0]
        assert FAULTS[name][2] in str(client.validate("logs-*", {"match_all": {}}))
    assert client.validate("logs-*", {"match_all": {}}) is None


@pytest.mark.parametrize("name", ["red index", "shard failed", "shard lost"])
def test_a_query_is_not_blamed_for_a_shard_that_was_starting(
    server: ScriptedServer, client: SearchClient, name: str
) -> None:
    """A rollover, a restart: by the time another query is tried the shard is there, for this one too."""
    server.faults["search", server.count("search") + 1] = FAULTS[name][0]
    assert client.validate("logs-*", {"match_all": {}}) is None


@pytest.mark.parametrize("documents", [3, 35])
def test_a_part_is_told_where_it_is_asked_for(server: ScriptedServer, client: SearchClient, documents: int) -> None:
    """On one page or several; where a part opens no point in time, a page of it."""
    server.documents = documents
    part = replace(ALL, part=True)
    assert numbers(documents) == ids(client, part)
    assert all("allow_partial_search_results=true" in asked.path for asked in server.asked if "_search?" in asked.path)
    server.always["open"] = reply(400, fake.error_body("illegal_argument_exception", "unrecognized parameter"))
    assert numbers(min(documents, 10)) == ids(client, part)


@pytest.mark.parametrize("documents", [3, 35])
def test_what_the_others_hold_is_told_while_a_remote_cluster_is_skipped(
    server: ScriptedServer, client: SearchClient, documents: int
) -> None:
    """skip_unavailable is true. Asked for as a whole it is an error that names the cluster."""
    server.documents = documents
    both = replace(ALL, index="logs-*,eu:logs-*")

    def answer(handler: Handler) -> None:
        status, found = server.answer(server.asked[-1])
        assert isinstance(found, dict)
        clusters = {**SKIPPED, "total": 2, "successful": 1}
        reply(status, {**found, "_clusters": clusters})(handler)

    server.always["search"] = answer
    with pytest.raises(PartialError, match=r"1 of 2 clusters did not answer \(index .*\): eu"):
        ids(client, both)
    assert numbers(documents) == ids(client, replace(both, part=True))


@pytest.mark.parametrize("says", [True, False], ids=["9.5", "8.19"])
def test_a_point_in_time_that_was_opened_without_a_remote_cluster_is_no_whole_one(
    server: ScriptedServer, client: SearchClient, says: bool
) -> None:
    """Elasticsearch 8 does not say so, and each page of it looks whole; a moment later the cluster may be back."""
    server.documents = 35
    opened: dict[str, object] = {"id": "p", "pit_id": "p", "_shards": shards(total=3)}
    server.faults["open", 1] = reply(200, {**opened, "_clusters": SKIPPED} if says else opened)
    all_well = {"total": 2, "successful": 2, "skipped": 0, "details": {}}

    def answer(handler: Handler) -> None:
        status, found = server.answer(server.asked[-1])
        assert isinstance(found, dict)
        reply(status, {**found, "_clusters": all_well})(handler)

    server.always["search"] = answer
    both = replace(ALL, index="logs-*,eu:logs-*")
    lacks = "1 of 1 clusters did not answer" if says else "the point in time lacks 2 shards"
    with pytest.raises(PartialError if says else RetryError, match=lacks):
        ids(client, both)
    assert numbers(35) == ids(client, both)


def test_where_a_remote_cluster_may_not_be_skipped_the_error_says_which_and_what_to_do(
    server: ScriptedServer, client: SearchClient
) -> None:
    """skip_unavailable is false: the server answers nothing, and names an address only."""
    server.always["search"] = server.always["fields"] = reply(502, REFUSED)
    wanted = r"192\.0\.2\.9:9300.*remote cluster does not answer \(eu, us-\*\).*cluster\.remote\.NAME\.skip_unavailable"
    index = "logs-*,eu:logs-*,us-*:logs-*"
    with pytest.raises(RetryError, match=wanted):
        ids(client, replace(ALL, index=index))
    with pytest.raises(RetryError, match=wanted):
        client.indices(index)
    # a node that cannot reach another of its own cluster
    with pytest.raises(RetryError) as caught:
        ids(client)
    assert "remote" not in str(caught.value)


def test_a_remote_cluster_that_the_server_does_not_know_is_named(server: ScriptedServer, client: SearchClient) -> None:
    body = fake.error_body("no_such_remote_cluster_exception", "no such remote cluster: [us]")
    server.always["search"] = reply(404, body)
    with pytest.raises(PermanentError, match=r"no such remote cluster: \[us\].*check the key index of the source"):
        ids(client, replace(ALL, index="us:logs-*"))


def test_the_server_tells_its_time(server: ScriptedServer, client: SearchClient) -> None:
    """By the Date header, where there is one; else by its health; None where it may not be asked."""
    assert datetime(2026, 11, 23, 18, 3, 38, tzinfo=UTC) == client.server_time()
    server.date = "Mon, 23 Nov 2026 12:00:00 GMT"
    assert datetime(2026, 11, 23, 12, tzinfo=UTC) == client.server_time()
    server.date = "yesterday"
    assert datetime(2026, 11, 23, 18, 3, 38, tzinfo=UTC) == client.server_time()
    server.always["health"] = FAULTS["no privilege"][0]
    assert client.server_time() is None


def test_an_idle_connection_that_the_server_closed_is_no_failure(server: ScriptedServer, client: SearchClient) -> None:
    """Load balancers close what is idle between two polls."""

    closed = threading.Event()

    def close_after(handler: Handler) -> None:
        status, answer = server.answer(server.asked[-1])
        reply(status, answer)(handler)
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True
        closed.set()

    server.always["search"] = close_after
    for _ in range(3):
        assert numbers(3) == ids(client)
        assert closed.wait(SOON_SECONDS)
        closed.clear()


def test_a_server_that_is_down_says_so() -> None:
    """With its address, and in the system's words."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for flavor in ("auto", "elasticsearch", "opensearch"):
        with pytest.raises(RetryError, match=f"http://127.0.0.1:{port} does not answer: Connection refused"):
            ids(connect(Connection(urls=(f"http://127.0.0.1:{port}",), timeout=SHORT), flavor=flavor))
