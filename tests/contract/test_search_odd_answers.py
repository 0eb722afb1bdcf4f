"""Whatever becomes of a search server's answer on its way, alertd has all of it or one of its own errors.

Real clients over real sockets; the answers are changed at random places, by a seed. ALERTD_FUZZ_ANSWERS=65000 is the
size for a release.
"""

import copy
import gzip
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from alertd.errors import PartialError, PermanentError, RetryError
from alertd.event.event import read_key
from alertd.event.profile import load_profile
from alertd.search import Search, SearchClient
from alertd.search.connect import connect
from alertd.search.connection import Connection
from alertd.secret import Credential, Secrets
from tests.fakes.search_server import Handler, ScriptedServer, error_body, reply, serving, whole

ANSWERS = int(os.environ.get("ALERTD_FUZZ_ANSWERS", "1500"))
# An error is read by people, and kept.
MOST_TEXT = 1_500
TIMEOUT = timedelta(seconds=2)
ALL = Search("logs-*", {"match_all": {}}, ("n",), 10, TIMEOUT)
KEY = "bm90LWEta2V5LWF0LWFsbA=="

Change = Callable[[Random], object]
DEEP: list[object] = []
for _ in range(400):
    DEEP = [DEEP]
ODD: tuple[object, ...] = (
    *(None, True, False, 0, 1, -1, 2**63, 10**400, 1.5, float("nan"), float("inf"), -0.0),
    *("", "false", "0", "x" * 5_000, "\ud800", "\x00", [], [None], [[]], {}, {"value": 1}, DEEP, {"a": DEEP}),
)


@pytest.fixture(params=["elasticsearch", "opensearch"])
def server(request: pytest.FixtureRequest) -> Iterator[ScriptedServer]:
    with serving(ScriptedServer(request.param)) as scripted:
        yield scripted


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[SearchClient]:
    client = connected(server)
    yield client
    client.close()


def connected(server: ScriptedServer) -> SearchClient:
    key = Credential(KEY)
    connection = Connection(urls=(server.url,), timeout=TIMEOUT, api_key=key, secrets=Secrets([key]))
    return connect(connection, flavor=server.flavor)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Each place in an answer: what holds it, and its key there."""
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    below = [place for key in keys if isinstance(value[key], (dict, list)) for place in places(value[key])]
    return [(value, key) for key in keys] + below


def changed(answer: object, dice: Random) -> object:
    """One thing or a few in it are gone, doubled, or something else."""
    root = {"answer": copy.deepcopy(answer)}
    for _ in range(dice.choice([1, 1, 1, 2])):
        holder, key = dice.choice(places(root) or [(root, "answer")])
        what = dice.random()
        if what < 0.25 and holder is not root:
            del holder[key]
        elif what < 0.35 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[key] = dice.choice(ODD)
    return root["answer"]


def mangled(text: bytes, dice: Random) -> bytes:
    """As bytes: cut, with a byte that is none of UTF-8, packed and cut, or nothing."""
    at = dice.randrange(len(text))
    return dice.choice([text[:at], text[:at] + b"\xff" + text[at + 1 :], b"", b"<html>", gzip.compress(text)[:at]])


def answering(server: ScriptedServer, dice: Random, kinds: tuple[str, ...]) -> None:
    """From now on one in three answers of these kinds is changed."""

    def answer(handler: Handler) -> None:
        status, whole_answer = server.answer(server.asked[-1])
        if dice.random() < 0.66:
            return reply(status, whole_answer)(handler)
        if dice.random() < 0.1:
            status = dice.choice([200, 201, 299, 400, 401, 403, 404, 429, 500, 503])
        if dice.random() < 0.15:
            return reply(status, mangled(json.dumps(whole_answer).encode(), dice))(handler)
        return reply(status, changed(whole_answer, dice))(handler)

    server.always = dict.fromkeys(kinds, answer)


def test_no_answer_is_an_unexpected_exception_or_an_empty_result(server: ScriptedServer) -> None:
    """All hits of it, or an error of bounded length: never some of them as if they were all."""
    dice, profile = Random(20261128), load_profile("cloudtrail")
    server.documents = 25
    expected = {str(number) for number in range(server.documents)}
    answering(server, dice, ("search", "open", "page", "close"))
    complete, reasons = 0, list[str]()
    client = connected(server)
    while len(server.asked) < ANSWERS:
        try:
            found = [hit for page in client.pages(ALL) for hit in page]
        except (RetryError, PermanentError, PartialError) as error:
            reasons.append(str(error))
            continue
        complete += 1
        for hit in found:
            read_key(hit.source, hit.fields, index=hit.index, document_id=hit.id, profile=profile)
        lacking = expected - {hit.id for hit in found}
        # a name that was changed is another document's; that one is missing shows in the number
        assert len(found) >= len(expected) or not lacking
    client.close()
    assert complete > 10
    assert max(len(reason.encode()) for reason in reasons) < MOST_TEXT


def test_nothing_else_that_is_asked_raises_what_nobody_expects(server: ScriptedServer) -> None:
    """What checks and housekeeping ask."""
    dice, reasons = Random(20261129), list[str]()
    questions: tuple[Callable[[SearchClient], object], ...] = (
        lambda client: client.server(),
        lambda client: client.server_time(),
        lambda client: client.field_types("logs-*", ("n",)),
        lambda client: client.indices("logs-*"),
        lambda client: client.more_than("logs-*", {"match_all": {}}, 3),
        lambda client: client.newest("logs-*", "n"),
        lambda client: client.distinct("logs-*", {"match_all": {}}, ("n",)),
        lambda client: client.validate("logs-*", {"match_all": {}}),
    )
    answering(server, dice, ("root", "search", "fields", "health"))
    client = connected(server)
    while len(server.asked) < ANSWERS:
        try:
            dice.choice(questions)(client)
        except (RetryError, PermanentError, PartialError) as error:
            reasons.append(str(error))
    client.close()
    assert max(len(reason.encode()) for reason in reasons) < MOST_TEXT


def test_an_answer_that_lost_hits_on_its_way_is_not_whole(server: ScriptedServer, client: SearchClient) -> None:
    """On the first page, and on any page of a point in time."""
    server.documents = 3
    server.faults["search", 1] = reply(
        200, {**whole([]), "hits": {"total": {"value": 3, "relation": "eq"}, "hits": []}}
    )
    with pytest.raises(RetryError, match="3 documents match, and the answer holds 0"):
        list(client.pages(ALL))
    server.documents = 25
    server.faults["page", 2] = reply(200, whole([]))
    with pytest.raises(RetryError, match="25 documents match, and the answer holds 10"):
        list(client.pages(ALL))


def test_a_hit_that_took_the_place_of_another_shows(server: ScriptedServer, client: SearchClient) -> None:
    """The number is right. On the first page, and on any page of a point in time; a part is told all the same."""
    twice: list[dict[str, object]]
    twice = [{"_index": "logs-1", "_id": _id, "sort": ["logs-1", n], "_source": {}} for n, _id in enumerate("abb")]
    server.faults["search", 1] = server.faults["search", 2] = reply(200, whole(twice))
    with pytest.raises(PartialError, match=r"stand twice in one answer, b for one \(index logs-\*\)"):
        list(client.pages(ALL))
    assert ["a", "b", "b"] == [hit.id for page in client.pages(replace(ALL, part=True)) for hit in page]
    server.documents = 25
    server.faults["page", 2] = reply(200, whole(twice))
    pages = client.pages(ALL)
    assert 10 == len(next(pages))
    with pytest.raises(PartialError, match="stand twice"):
        next(pages)


def test_documents_of_one_id_that_are_routed_to_several_shards_are_no_odd_answer(
    server: ScriptedServer, client: SearchClient
) -> None:
    """With a routing of its own an id is unique within a shard only; and each cluster has an index of the name."""
    places = [("logs-1", {"_routing": "eu"}), ("logs-1", {"_routing": "us"}), ("logs-1", {}), ("eu:logs-1", {})]
    found: list[dict[str, object]] = [{"_index": index, "_id": "a", "_source": {}, **more} for index, more in places]
    server.faults["search", 1] = reply(200, whole(found))
    assert 4 == len(next(iter(client.pages(ALL))))


def test_a_long_answer_that_was_cut_is_a_short_reason(server: ScriptedServer, client: SearchClient) -> None:
    """It would be kept in the ledger, and sent to people."""
    server.always["search"] = reply(200, b'{"took": 1, "hits": {"hits": ["' + b"x" * 5_000_000)
    with pytest.raises(RetryError, match="not a search server's") as caught:
        list(client.pages(ALL))
    assert len(str(caught.value)) < MOST_TEXT


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 502])
def test_a_gateway_that_repeats_the_request_gives_no_secret_away(
    server: ScriptedServer, client: SearchClient, status: int
) -> None:
    """As text, as an error of its own form, and as one of a search server's."""
    said = f"bad header: authorization: ApiKey {KEY}"
    for body in (said, {"message": said}, error_body("security_exception", said), {"error": {"header": {"x": said}}}):
        server.always["search"] = reply(status, body)
        with pytest.raises((RetryError, PermanentError, PartialError)) as caught:
            list(client.pages(ALL))
        assert KEY not in str(caught.value)
        assert "[secret]" in str(caught.value)
