"""Scans of real search servers into a real ledger."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alertd.clock import SystemClock
from alertd.errors import PartialError, RetryError
from alertd.ledger.file import create
from alertd.ledger.model import NotificationKind
from alertd.ledger.sqlite import open_ledger
from alertd.ops.trouble import Troubles
from alertd.poll.scan import Poll
from alertd.rules.compile import MOST_NAMED
from alertd.rules.model import Query
from alertd.search.connect import connect
from alertd.search.connection import Connection
from tests.servers.filling import (
    create_red,
    drop_index,
    fill_index,
    replace_document,
    set_remote,
    transport_address,
)
from tests.servers.running import SERVERS, SearchServer
from tests.simulation.history import RULES, SOURCE

INDEX = "trail-poll"
NOBODY = "127.0.0.1:9"
# The embedded server has no shard that is not there.
real_only = pytest.mark.parametrize(
    "search_server", [pytest.param(name, marks=pytest.mark.real_servers) for name in SERVERS], indirect=True
)
MAPPING = {
    "properties": {
        "eventTime": {"type": "date", "ignore_malformed": True},
        "userIdentity": {"properties": {"type": {"type": "keyword"}}},
    }
}


@pytest.mark.parametrize("time", [{}, {"eventTime": "tomorrow"}], ids=["no time", "no date"])
def test_an_event_without_a_readable_time_is_told(
    search_server: SearchServer, tmp_path: Path, time: dict[str, str]
) -> None:
    """No range finds it: the sweep does, and dates it when it is seen. Told once."""
    event = {"eventID": "e1", "recipientAccountId": "111122223333", "userIdentity": {"type": "Root"}, **time}
    assert {} == fill_index(search_server, INDEX, MAPPING, {"other": {"eventID": "other"}})
    clock = SystemClock()
    create(tmp_path / "alertd.db", now=clock.now())
    client = connect(Connection(urls=(search_server.url,)))
    with closing(client), closing(open_ledger(tmp_path / "alertd.db", now=clock.now())) as ledger:
        source = replace(SOURCE, index=INDEX)
        poll = Poll(source, (RULES,), lambda: client, ledger, clock, Troubles(clock))
        poll.start()
        poll.sweep()
        assert {} == fill_index(search_server, INDEX, MAPPING, {"d1": event})
        poll.sweep()
        poll.sweep()
        assert ["e1"] == [note.event.id for note in ledger.waiting("security", NotificationKind.MESSAGE, limit=9)]
    drop_index(search_server, INDEX)


def test_a_document_that_matches_only_after_a_change_is_told(search_server: SearchServer, tmp_path: Path) -> None:
    """A pipeline enriches it in place: a scan that saw it before, and the remembrance of that, hide nothing."""
    event = {"eventID": "e1", "recipientAccountId": "111122223333", "eventTime": f"{datetime.now(UTC):%FT%TZ}"}
    rules = replace(RULES, query=Query("dsl", '{"match_all":{}}', {"match_all": {}}, "root.toml:1"))
    assert {} == fill_index(search_server, INDEX, MAPPING, {"d1": {**event, "userIdentity": {"type": "IAMUser"}}})
    clock = SystemClock()
    create(tmp_path / "alertd.db", now=clock.now() - timedelta(hours=1))
    client = connect(Connection(urls=(search_server.url,)))
    with closing(client), closing(open_ledger(tmp_path / "alertd.db", now=clock.now())) as ledger:
        poll = Poll(replace(SOURCE, index=INDEX), (rules,), lambda: client, ledger, clock, Troubles(clock))
        poll.start()
        assert 0 == poll.sweep()
        replace_document(search_server, INDEX, "d1", {**event, "userIdentity": {"type": "Root"}})
        assert 1 == poll.fast()
        assert 0 == poll.sweep()
    drop_index(search_server, INDEX)


def test_each_rule_set_keeps_what_its_own_template_names_of_an_event(
    search_server: SearchServer, tmp_path: Path
) -> None:
    """The second to take an event finds it in the ledger already; what a rule does not name is not kept."""
    event = {"eventID": "e1", "recipientAccountId": "111122223333", "userIdentity": {"type": "Root"}}
    document = {**event, "requestParameters": {"bucketName": "payroll", "policy": "long"}, "tls": '{"version": "1.3"}'}
    assert {} == fill_index(search_server, INDEX, MAPPING, {"other": {"eventID": "other"}})
    clock = SystemClock()
    create(tmp_path / "alertd.db", now=clock.now())
    client = connect(Connection(urls=(search_server.url,)))
    named = {"root": (), "buckets": ("requestParameters.bucketName",), "wires": ("tls.version", "tls.cipher")}
    rule = RULES.rules[0]
    sets = [
        replace(
            RULES,
            id=name,
            rules=(replace(rule, facts=replace(rule.facts, rule_set=name, id=name), notify=(name,), named=paths),),
        )
        for name, paths in named.items()
    ]
    with closing(client), closing(open_ledger(tmp_path / "alertd.db", now=clock.now())) as ledger:
        poll = Poll(replace(SOURCE, index=INDEX), tuple(sets), lambda: client, ledger, clock, Troubles(clock))
        poll.start()
        poll.sweep()
        assert {} == fill_index(search_server, INDEX, MAPPING, {"d1": document})
        poll.sweep()
        kept = {
            name: [note.rule.document for note in ledger.waiting(name, NotificationKind.MESSAGE, limit=9)]
            for name in named
        }
    bucket, version = ("requestParameters.bucketName", "payroll"), ("tls.version", "1.3")
    assert {"root": [()], "buckets": [(bucket,)], "wires": [(version,)]} == kept
    drop_index(search_server, INDEX)


def test_of_more_rules_than_one_search_names_each_that_matches_is_told(
    search_server: SearchServer, tmp_path: Path
) -> None:
    """The first in file order takes the event, with all that is known of it; the others are told as well."""
    event = {
        "eventID": "e1",
        "eventName": "DeleteTrail",
        "recipientAccountId": "111122223333",
        "userIdentity": {"type": "Root"},
    }
    [rule] = RULES.rules
    nobody = {"term": {"userIdentity.type": "Nobody"}}
    silent = Query("dsl", json.dumps(nobody), nobody, "root.toml:1")
    rules = replace(
        RULES,
        query=rule.query,
        rules=tuple(
            replace(
                rule, facts=replace(rule.facts, id=f"r{number}"), query=rule.query if number in {2, 250} else silent
            )
            for number in range(MOST_NAMED + 100)
        ),
    )
    clock = SystemClock()
    assert {} == fill_index(search_server, INDEX, MAPPING, {"other": {"eventID": "other"}})
    create(tmp_path / "alertd.db", now=clock.now())
    client = connect(Connection(urls=(search_server.url,)))
    with closing(client), closing(open_ledger(tmp_path / "alertd.db", now=clock.now())) as ledger:
        poll = Poll(replace(SOURCE, index=INDEX), (rules,), lambda: client, ledger, clock, Troubles(clock))
        poll.start()
        poll.sweep()
        assert {} == fill_index(search_server, INDEX, MAPPING, {"d1": event})
        poll.sweep()
        [note] = ledger.waiting("security", NotificationKind.MESSAGE, limit=9)
        also = {row["also"] for row in ledger.read("life", event_key=note.event.key)}
    drop_index(search_server, INDEX)
    assert ("r2", {'["r250"]'}, "DeleteTrail") == (note.rule.id, also, note.event.action)


@pytest.mark.parametrize("page_size", [100, 2])
@real_only
def test_a_red_index_holds_back_no_alert_from_a_healthy_one(
    search_server: SearchServer, tmp_path: Path, page_size: int
) -> None:
    """On one page and on several. What is covered does not move until the red one is gone."""
    event = {"recipientAccountId": "111122223333", "eventTime": f"{datetime.now(UTC):%FT%TZ}"}
    documents = {f"d{n}": {"eventID": f"e{n}", "userIdentity": {"type": "Root"}, **event} for n in range(5)}
    red, clock = f"{INDEX}-red", SystemClock()
    assert {} == fill_index(search_server, INDEX, MAPPING, {"other": {"eventID": "other"}})
    create(tmp_path / "alertd.db", now=clock.now() - timedelta(hours=1))
    client = connect(Connection(urls=(search_server.url,)))
    with closing(client), closing(open_ledger(tmp_path / "alertd.db", now=clock.now())) as ledger:
        source = replace(SOURCE, index=f"{INDEX}*", page_size=page_size)
        poll = Poll(source, (RULES,), lambda: client, ledger, clock, Troubles(clock))
        poll.start()
        poll.sweep()
        covered = ledger.rule_states("root")["root-used"].covered_until
        create_red(search_server, red)
        assert {} == fill_index(search_server, INDEX, MAPPING, documents)
        with pytest.raises(PartialError, match=red):
            poll.fast()
        told = ledger.waiting("security", NotificationKind.MESSAGE, limit=9)
        assert covered == ledger.rule_states("root")["root-used"].covered_until
        drop_index(search_server, red)
        poll.fast()
        after = ledger.waiting("security", NotificationKind.MESSAGE, limit=9)
    drop_index(search_server, INDEX)
    assert [f"e{n}" for n in range(5)] == sorted(note.event.id for note in after)
    assert len(told) == 5 or (page_size == 2 and search_server.name == "elasticsearch8" and told)


@pytest.mark.parametrize("page_size", [100, 2])
@pytest.mark.real_servers
def test_a_remote_cluster_that_is_away_holds_back_no_alert_from_here(
    elasticsearch8: SearchServer, elasticsearch9: SearchServer, tmp_path: Path, page_size: int
) -> None:
    """Nothing counts as searched until it is back; where it may not be skipped the error says what to do."""
    event = {"recipientAccountId": "111122223333", "eventTime": f"{datetime.now(UTC):%FT%TZ}"}
    documents = {f"d{n}": {"eventID": f"e{n}", "userIdentity": {"type": "Root"}, **event} for n in range(6)}
    here, there, clock = elasticsearch9, elasticsearch8, SystemClock()
    address = transport_address(there)
    for server in (here, there):
        assert {} == fill_index(server, INDEX, MAPPING, {"other": {"eventID": "other"}})
    set_remote(here, "eu", address)
    create(tmp_path / "alertd.db", now=clock.now() - timedelta(hours=1))
    client = connect(Connection(urls=(here.url,)))
    with closing(client), closing(open_ledger(tmp_path / "alertd.db", now=clock.now())) as ledger:
        source = replace(SOURCE, index=f"{INDEX},eu:{INDEX}", page_size=page_size)
        poll = Poll(source, (RULES,), lambda: client, ledger, clock, Troubles(clock))
        poll.start()
        poll.sweep()
        covered = ledger.rule_states("root")["root-used"].covered_until
        set_remote(here, "eu", NOBODY)
        assert {} == fill_index(here, INDEX, MAPPING, {name: documents[name] for name in ("d0", "d1", "d2", "d3")})
        for name in ("d4", "d5"):
            replace_document(there, INDEX, name, documents[name])
        with pytest.raises(PartialError, match=r"1 of 2 clusters did not answer \(.*\): eu"):
            poll.fast()
        told = ledger.waiting("security", NotificationKind.MESSAGE, limit=9)
        set_remote(here, "eu", NOBODY, skip=False)
        with pytest.raises(RetryError, match=r"127\.0\.0\.1:9.* a remote cluster does not answer \(eu\)"):
            poll.fast()
        assert covered == ledger.rule_states("root")["root-used"].covered_until
        set_remote(here, "eu", address)
        poll.fast()
        after = ledger.waiting("security", NotificationKind.MESSAGE, limit=9)
    set_remote(here, "eu", None)
    drop_index(here, INDEX)
    drop_index(there, INDEX)
    assert [f"e{n}" for n in range(4)] == sorted(note.event.id for note in told)
    assert [f"e{n}" for n in range(6)] == sorted(note.event.id for note in after)
