"""Searching finds everything exactly once, and whole, on each real search server and the embedded one."""

import json
import threading
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from alertd.errors import PartialError, PermanentError, RetryError
from alertd.search import Hit, Search, SearchClient
from alertd.search.connect import connect
from alertd.search.connection import Connection
from tests.servers.filling import drop_index, fill_index
from tests.servers.running import SERVERS, SearchServer

PAGE = 100
TIMEOUT = timedelta(seconds=20)
ALL: Mapping[str, object] = {"match_all": {}}
MAPPING = {"properties": {"n": {"type": "long"}, "user": {"properties": {"type": {"type": "keyword"}}}}}


# The embedded server counts no points in time, and knows no date math in names.
real_only = pytest.mark.parametrize(
    "search_server", [pytest.param(name, marks=pytest.mark.real_servers) for name in SERVERS], indirect=True
)


@pytest.fixture
def client(search_server: SearchServer) -> Iterator[SearchClient]:
    client = connect(Connection(urls=(search_server.url,), timeout=TIMEOUT))
    yield client
    client.close()


@pytest.fixture
def pattern(search_server: SearchServer) -> Iterator[str]:
    """A pattern for one test's indices, of which the first exists."""
    prefix = f"search-{uuid.uuid4().hex[:12]}"
    create(search_server, f"{prefix}-1")
    yield f"{prefix}-*"
    for index in connect(Connection(urls=(search_server.url,))).indices(f"{prefix}-*"):
        send(search_server, "DELETE", f"/{index}")


def send(server: SearchServer, method: str, path: str, body: str = "", *, kind: str = "application/json") -> object:
    request = urllib.request.Request(
        server.url + path, data=body.encode() or None, method=method, headers={"Content-Type": kind}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def create(server: SearchServer, index: str, *, shards: int = 1, mapping: Mapping[str, object] = MAPPING) -> None:
    settings = {"number_of_shards": shards, "number_of_replicas": 0}
    send(server, "PUT", f"/{index}", json.dumps({"mappings": mapping, "settings": settings}))


def add(server: SearchServer, index: str, numbers: range) -> None:
    """Found by searches when this returns."""
    lines = [line for n in numbers for line in ({"index": {"_id": str(n)}}, {"n": n, "user": {"type": "Root"}, "x": 1})]
    if lines:
        body = "\n".join([*map(json.dumps, lines), ""])
        answer = send(server, "POST", f"/{index}/_bulk?refresh=true", body, kind="application/x-ndjson")
        assert isinstance(answer, dict)
        assert not answer["errors"]


def first(pattern: str) -> str:
    return pattern.replace("*", "1")


def search(index: str, query: Mapping[str, object] = ALL, *, size: int = PAGE) -> Search:
    return Search(index, query, ("n", "user.type"), size, TIMEOUT)


def found(client: SearchClient, asked: Search) -> list[tuple[str, str]]:
    return sorted((hit.index, hit.id) for page in client.pages(asked) for hit in page)


@pytest.mark.parametrize("count", [0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE])
def test_every_hit_is_found_once(search_server: SearchServer, client: SearchClient, pattern: str, count: int) -> None:
    """Whatever their number is to the length of a page."""
    add(search_server, first(pattern), range(count))
    assert sorted((first(pattern), str(n)) for n in range(count)) == found(client, search(pattern))


def test_the_first_page_alone_is_one_request_for_no_more_than_a_page(
    search_server: SearchServer, client: SearchClient, pattern: str
) -> None:
    """However many there are: no point in time is opened."""
    add(search_server, first(pattern), range(3 * PAGE))
    assert PAGE == len({hit.id for hit in client.first_page(search(pattern))})
    assert 3 * PAGE == len({hit.id for hit in client.first_page(search(pattern, size=5 * PAGE))})


def test_hits_of_several_indices_and_shards_are_found_once(
    search_server: SearchServer, client: SearchClient, pattern: str
) -> None:
    """OpenSearch numbers documents within an index: sorted by that number alone, some would be skipped."""
    names = [first(pattern), pattern.replace("*", "2"), pattern.replace("*", "3")]
    for name in names[1:]:
        create(search_server, name, shards=1 if search_server.name == "embedded" else 3)
    for name in names:
        add(search_server, name, range(5 * PAGE))
    expected = sorted((name, str(n)) for name in names for n in range(5 * PAGE))
    for size in (7, PAGE, 1000):
        assert expected == found(client, search(pattern, size=size)), size


def test_more_hits_than_a_server_counts_are_found(
    search_server: SearchServer, client: SearchClient, pattern: str
) -> None:
    """Totals stop at 10,000, and so does paging by position."""
    total, step = 25_000, 5_000
    for start in range(0, total, step):
        add(search_server, first(pattern), range(start, start + step))
    assert total == len(set(found(client, search(pattern, {"range": {"n": {"gte": 0}}}, size=1000))))


def test_what_is_added_while_paging_hides_nothing(
    search_server: SearchServer, client: SearchClient, pattern: str
) -> None:
    """The point in time shows what there was; what came later is the next scan's."""
    before, later = range(5 * PAGE), range(5 * PAGE, 10 * PAGE)
    add(search_server, first(pattern), before)
    pages = client.pages(search(pattern))
    hits = [hit.id for hit in next(pages)]
    adding = threading.Thread(target=add, args=(search_server, first(pattern), later))
    adding.start()
    hits += [hit.id for hit in next(pages)]
    adding.join()
    hits += [hit.id for page in pages for hit in page]
    assert sorted(str(n) for n in before) == sorted(hits)


def test_a_hit_has_what_was_asked_in_source_and_fields(
    search_server: SearchServer, client: SearchClient, pattern: str
) -> None:
    """And which version it is. Nothing else: documents are large."""
    add(search_server, first(pattern), range(1))
    fields = {"n": (0,), "user.type": ("Root",)}
    hit = Hit(first(pattern), "0", {"n": 0, "user": {"type": "Root"}}, fields, version=1)
    assert [(hit,)] == list(client.pages(search(pattern)))


def test_named_queries_are_told_on_every_page(search_server: SearchServer, client: SearchClient, pattern: str) -> None:
    """With and without a point in time."""
    add(search_server, first(pattern), range(2 * PAGE))

    def named(name: str, clause: Mapping[str, object]) -> Mapping[str, object]:
        return {"bool": {"filter": [clause], "_name": name}}

    some = [
        named("root", {"query_string": {"query": "user.type:Root"}}),
        named("early", {"range": {"n": {"lt": 3}}}),
        named("never", {"range": {"n": {"lt": 0}}}),
    ]
    query = {"bool": {"filter": [{"bool": {"should": some, "minimum_should_match": 1}}]}}
    for size in (PAGE, 1000):
        hits = [hit for page in client.pages(search(pattern, query, size=size)) for hit in page]
        expected = {str(n): {"root", "early"} if n < 3 else {"root"} for n in range(2 * PAGE)}
        assert expected == {hit.id: set(hit.matched) for hit in hits}


def test_a_thousand_documents_are_found_by_their_ids(
    search_server: SearchServer, client: SearchClient, pattern: str
) -> None:
    """That is how candidates are classified."""
    add(search_server, first(pattern), range(1200))
    query = {"bool": {"filter": [{"ids": {"values": [str(n) for n in range(1000)]}}]}}
    assert 1000 == len(found(client, search(pattern, query, size=1000)))


@pytest.mark.parametrize("name", ["{missing}", "{missing}-*", "{present},{missing}", "{present},{missing}-*"])
def test_a_missing_index_is_an_error(client: SearchClient, pattern: str, name: str) -> None:
    """It is not an index without hits, by itself or beside one that exists."""
    index = name.format(missing=first(pattern).replace("search-", "missing-"), present=pattern)
    with pytest.raises(PermanentError, match=r"404 index_not_found.*missing-.*the key index of the source"):
        list(client.pages(search(index)))
    with pytest.raises(PermanentError, match="index"):
        client.indices(index)
    with pytest.raises(PermanentError, match="index"):
        client.field_types(index, ("n",))


def test_an_index_that_disappears_in_a_scan_is_an_error(
    search_server: SearchServer, client: SearchClient, pattern: str
) -> None:
    """The rest of its hits cannot be known."""
    create(search_server, pattern.replace("*", "2"))
    for name in (first(pattern), pattern.replace("*", "2")):
        add(search_server, name, range(2 * PAGE))
    pages = client.pages(search(pattern))
    next(pages)
    send(search_server, "DELETE", f"/{pattern.replace('*', '2')}")
    with pytest.raises((RetryError, PermanentError, PartialError)):
        list(pages)


def test_an_expired_point_in_time_is_to_be_tried_again(
    search_server: SearchServer, client: SearchClient, pattern: str
) -> None:
    """From the scan's start."""
    add(search_server, first(pattern), range(3 * PAGE))
    pages = client.pages(search(pattern))
    next(pages)
    # closing an index ends its points in time, as the end of their keep-alive does
    send(search_server, "POST", f"/{first(pattern)}/_close")
    send(search_server, "POST", f"/{first(pattern)}/_open?wait_for_active_shards=1")
    with pytest.raises(RetryError, match="the point in time expired"):
        list(pages)


@real_only
def test_no_point_in_time_is_left_open(search_server: SearchServer, client: SearchClient, pattern: str) -> None:
    """Read to its end, or abandoned."""
    add(search_server, first(pattern), range(3 * PAGE))
    list(client.pages(search(pattern)))
    abandoned = client.pages(search(pattern))
    next(abandoned)
    assert open_contexts(search_server, pattern) > 0
    abandoned.close()  # type: ignore[attr-defined]
    assert 0 == open_contexts(search_server, pattern)


def open_contexts(server: SearchServer, pattern: str) -> int:
    stats = send(server, "GET", f"/{pattern}/_stats/search?filter_path=_all.total.search")
    assert isinstance(stats, dict)
    counts = stats["_all"]["total"]["search"]
    return int(counts["open_contexts"]) + int(counts.get("point_in_time_current", 0))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"query_string": {"query": "user.type:("}}, "Failed to parse query"),
        ({"query_string": {"query": "n:word", "lenient": False}}, "word"),
        ({"no_such_query": {}}, "no_such_query"),
        ({"range": {"n": {"gte": "now-xx"}}}, "now-xx"),
    ],
)
def test_a_broken_query_is_an_error_that_says_what_is_wrong(
    search_server: SearchServer, client: SearchClient, pattern: str, query: Mapping[str, object], said: str
) -> None:
    """And it is told before a search runs into it, even where nothing can match."""
    add(search_server, first(pattern), range(1))
    with pytest.raises(PermanentError, match=r"^400 ") as caught:
        list(client.pages(search(pattern, query)))
    assert said in str(caught.value)
    assert said in str(client.validate(pattern, query))


def test_a_good_query_is_valid(client: SearchClient, pattern: str) -> None:
    """A field that no index has is no mistake of the query."""
    assert client.validate(pattern, {"query_string": {"query": "user.type:Root OR nowhere:x"}}) is None


def test_a_query_for_a_missing_index_is_not_what_is_wrong(client: SearchClient) -> None:
    """Every query would be refused."""
    with pytest.raises(PermanentError, match="index_not_found"):
        client.validate("missing-*", ALL)


def test_a_server_tells_who_it_is(search_server: SearchServer, client: SearchClient) -> None:
    """For people."""
    server = client.server()
    assert search_server.flavor == server.flavor
    major = {"elasticsearch8": "8", "elasticsearch9": "9"}.get(search_server.name, "3")
    assert (server.version or "").startswith(f"{major}.")


def test_a_server_tells_its_time(client: SearchClient, pattern: str) -> None:
    """Servers on this machine have its clock. By an index it is told to whoever may search, to a part of a second."""
    told = client.server_time()
    assert told is not None
    assert abs(told - datetime.now(UTC)) < timedelta(seconds=2)
    for field in ("n", "nowhere"):
        told = client.server_time(pattern, field)
        assert told is not None
        assert abs(told - datetime.now(UTC)) < timedelta(seconds=1)


def test_fields_and_indices_are_told_over_all_indices(
    search_server: SearchServer, client: SearchClient, pattern: str
) -> None:
    """A field may have several types; one that no index has is absent."""
    second = pattern.replace("*", "2")
    create(search_server, second, mapping={"properties": {"n": {"type": "keyword"}}})
    assert (first(pattern), second) == client.indices(pattern)
    types = client.field_types(pattern, ("n", "user.type", "nowhere"))
    assert {"n": frozenset({"long", "keyword"}), "user.type": frozenset({"keyword"})} == types
    assert types.items() <= client.field_types(pattern, ("*",)).items()


def test_documents_are_counted_no_further_than_asked(
    search_server: SearchServer, client: SearchClient, pattern: str
) -> None:
    """Whether there are more than a number, over all indices."""
    add(search_server, first(pattern), range(7))
    counted = [client.more_than(pattern, {"match_all": {}}, number) for number in (0, 6, 7, 8)]
    assert [True, True, False, False] == counted
    assert not client.more_than(pattern, {"match_none": {}}, 0)


@real_only
def test_date_math_in_an_index_name_is_resolved(search_server: SearchServer, client: SearchClient) -> None:
    """Daily indices are named so."""
    prefix = f"daily-{uuid.uuid4().hex[:12]}"
    today = f"{prefix}-{datetime.now(UTC):%Y.%m.%d}"
    create(search_server, today)
    add(search_server, today, range(PAGE))
    assert PAGE == len(found(client, search(f"<{prefix}-{{now/d}}>")))
    send(search_server, "DELETE", f"/{today}")


@pytest.mark.real_servers
def test_no_query_is_blamed_for_an_index_without_its_shard(elasticsearch8: SearchServer) -> None:
    """A rollover, a restart, a lost node: the scan fails, and no rule is set aside."""
    assert {} == fill_index(elasticsearch8, "red-2", {}, {"d1": {"user": {"type": "Root"}}})
    nowhere = {"index.routing.allocation.include._name": "nobody", "number_of_replicas": 0}
    request = urllib.request.Request(
        f"{elasticsearch8.url}/red-1?wait_for_active_shards=0",
        json.dumps({"settings": nowhere}).encode(),
        {"Content-Type": "application/json"},
        method="PUT",
    )
    urllib.request.urlopen(request, timeout=30).close()
    client = connect(Connection(urls=(elasticsearch8.url,)))
    try:
        with pytest.raises(PartialError):
            client.validate("red-*", {"query_string": {"query": "user.type:Root"}})
    finally:
        client.close()
        drop_index(elasticsearch8, "red-1")
        drop_index(elasticsearch8, "red-2")
