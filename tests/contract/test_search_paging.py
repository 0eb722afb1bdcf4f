"""How a scan is paged and what it asks for, where real servers would not show it: against a scripted one."""

import json
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from alertd.errors import RetryError
from alertd.search import Hit, Search, SearchClient
from alertd.search.connect import connect
from alertd.search.connection import Connection
from alertd.search.exchange import MOST_BYTES
from tests.fakes import search_server as fake
from tests.fakes.search_server import Handler, ScriptedServer, reply, serving, whole

TIMEOUT = timedelta(seconds=10)
ALL = Search("logs-*", {"match_all": {}}, ("n",), 10, TIMEOUT)


@pytest.fixture(params=["elasticsearch", "opensearch"])
def server(request: pytest.FixtureRequest) -> Iterator[ScriptedServer]:
    with serving(ScriptedServer(request.param)) as scripted:
        yield scripted


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[SearchClient]:
    client = connect(Connection(urls=(server.url,), timeout=TIMEOUT), flavor=server.flavor)
    yield client
    client.close()


def ids(client: SearchClient, search: Search = ALL) -> list[str]:
    return [hit.id for page in client.pages(search) for hit in page]


def numbers(count: int) -> list[str]:
    return [str(number) for number in range(count)]


@pytest.mark.parametrize("page", range(1, 6))
def test_a_point_in_time_may_expire_at_any_page(server: ScriptedServer, client: SearchClient, page: int) -> None:
    """Then the scan is to be started again: nothing says what the rest would have been."""
    server.documents = 35
    server.faults["page", page] = reply(404, fake.expired_body())
    with pytest.raises(RetryError, match="point in time expired"):
        ids(client)
    assert numbers(35) == ids(client)


def test_the_id_of_a_point_in_time_may_change_with_every_page(server: ScriptedServer, client: SearchClient) -> None:
    """The last answer's id is the one that is valid; the last of all is closed."""
    server.documents = 35
    assert numbers(35) == ids(client)
    assert 5 == server.count("page")
    assert set() == server.pits


def test_a_point_in_time_is_closed_when_the_consumer_stops_early(server: ScriptedServer, client: SearchClient) -> None:
    """Servers hold a few hundred of them at most."""
    server.documents = 35
    pages = client.pages(ALL)
    next(pages)
    assert 1 == len(server.pits)
    pages.close()  # type: ignore[attr-defined]
    assert set() == server.pits


def test_that_a_point_in_time_cannot_be_closed_is_no_failure(server: ScriptedServer, client: SearchClient) -> None:
    """It expires by itself."""
    server.documents = 35
    partial = reply(500, fake.error_body("search_phase_execution_exception", "all shards failed"))
    for fault in (partial, reply(404, fake.error_body("not_found", "gone")), fake.reset):
        server.always["close"] = fault
        assert numbers(35) == ids(client)


def test_what_changes_after_the_first_page_is_found(server: ScriptedServer, client: SearchClient) -> None:
    """A full page is thrown away and asked again within the point in time: what had no place on it then has one."""
    server.documents = 11
    server.faults["search", 1] = reply(200, whole([{"_index": fake.INDEX, "_id": f"{n}"} for n in range(1, 11)]))
    assert numbers(11) == ids(client)
    assert ["search", "open", "page", "page", "page", "close"] == [asked.kind for asked in server.asked]


def test_a_server_that_repeats_a_page_does_not_hold_the_scan_for_ever(
    server: ScriptedServer, client: SearchClient
) -> None:
    """Every loop has a bound."""
    server.documents = 35
    hits: list[dict[str, object]] = [{"_index": "logs-1", "_id": "1", "sort": ["logs-1", 1]}]
    server.always["page"] = reply(200, whole(hits))
    with pytest.raises(RetryError, match="does not go on"):
        ids(client)


def test_a_page_that_is_too_long_is_asked_in_smaller_ones(server: ScriptedServer, client: SearchClient) -> None:
    """Hostile documents are large; what does not fit memory must not stop the alerts about the rest."""
    server.documents = 35

    def too_long(handler: Handler) -> None:
        size = server.asked[-1].body["size"]
        if size > 2 and server.asked[-1].body["_source"]:
            reply(200, b'{"took": "' + b"x" * MOST_BYTES + b'"}')(handler)
        else:
            status, answer = server.answer(server.asked[-1])
            reply(status, answer)(handler)

    server.always["search"] = server.always["page"] = too_long
    assert numbers(35) == ids(client)


@pytest.mark.parametrize("poison", ["long", "deep"])
def test_a_document_that_cannot_be_read_is_given_without_its_content(
    server: ScriptedServer, client: SearchClient, poison: str
) -> None:
    """An event is never lost to its own content, nor are the others."""
    server.documents = 12
    deep = b'{"took": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    body = deep if poison == "deep" else b'{"took": "' + b"x" * MOST_BYTES + b'"}'

    def poisoned(handler: Handler) -> None:
        before = set(server.pits)
        status, answer = server.answer(server.asked[-1])
        if server.asked[-1].body["_source"] and '"_id": "7"' in json.dumps(answer):
            status, answer, server.pits = 200, body, before
        reply(status, answer)(handler)

    server.always["search"] = server.always["page"] = poisoned
    found = {hit.id: hit for page in client.pages(ALL) for hit in page}
    assert numbers(12) == list(found)
    assert ["7"] == [hit.id for hit in found.values() if not hit.source]
    assert Hit("logs-1", "8", {"n": 8}) == found["8"]


def test_where_fields_are_refused_the_source_alone_is_asked(server: ScriptedServer, client: SearchClient) -> None:
    """A computed field whose script fails must not hide the documents."""

    def refuses_fields(handler: Handler) -> None:
        asked = server.asked[-1]
        status, answer = (
            (400, fake.error_body("script_exception", "no")) if asked.body["fields"] else server.answer(asked)
        )
        reply(status, answer)(handler)

    server.always["search"] = refuses_fields
    assert numbers(3) == ids(client)


def test_opensearch_before_3_3_is_paged_by_id(server: ScriptedServer, client: SearchClient) -> None:
    """It knows no _shard_doc."""
    server.documents = 35
    server.faults["page", 1] = reply(400, fake.error_body("query_shard_exception", "No mapping found for [_shard_doc]"))
    server.faults["page", 2] = server.faults["page", 1]  # once more, without `fields`
    assert numbers(35) == ids(client)
    assert [{"_index": "asc"}, {"_id": "asc"}] == server.asked[-2].body["sort"]


def test_each_request_asks_for_whole_answers(server: ScriptedServer, client: SearchClient) -> None:
    """The servers' defaults hide missing indices and failed shards."""
    server.documents = 35
    ids(client)
    by_kind = {asked.kind: asked for asked in server.asked}
    for kind in ("search", "page"):
        assert "allow_partial_search_results=false" in by_kind[kind].path
        assert "8000ms" == by_kind[kind].body["timeout"]
    for kind in ("search", "open"):
        assert "ignore_unavailable=false&allow_no_indices=false" in by_kind[kind].path
    assert ("allow_partial_pit_creation=false" in by_kind["open"].path) == (server.flavor == "opensearch")


def test_an_index_pattern_is_quoted_as_part_of_a_path(server: ScriptedServer, client: SearchClient) -> None:
    """Date math holds slashes and angle brackets; commas, stars and colons are syntax."""
    search = Search("<logs-{now/d}>,eu:logs-*,-logs-old", {"match_all": {}}, (), 10, TIMEOUT)
    ids(client, search)
    assert server.asked[0].path.startswith("/%3Clogs-%7Bnow%2Fd%7D%3E,eu:logs-*,-logs-old/_search?")


def test_many_fields_are_asked_in_several_requests(server: ScriptedServer, client: SearchClient) -> None:
    """Elasticsearch refuses a first line of more than 4,096 bytes."""
    names = tuple(f"a.rather.long.name.of.a.field.{number}" for number in range(300))
    client.field_types("logs-*", names)
    asked = [asked.path for asked in server.asked]
    assert max(map(len, asked)) < 4096
    assert set(names) == {name for path in asked for name in parse_qs(urlsplit(path).query)["fields"][0].split(",")}
