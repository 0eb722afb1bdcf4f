"""What else an address did is looked up on every kind of server, and holds no alert up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alertd.enrich.around import FAILED, look_around
from alertd.event.event import Event, read_event
from alertd.event.profile import load_profile
from alertd.search.connect import connect
from alertd.search.connection import Connection
from tests.fakes.search_server import ScriptedServer, error_body, reply, serving
from tests.servers.filling import fill_index
from tests.servers.running import SearchServer

NOW = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CLOUDTRAIL = load_profile("cloudtrail")
MAPPINGS = {
    "addresses": {"properties": {"@timestamp": {"type": "date"}, "sourceIPAddress": {"type": "ip"}}},
    "texts": {"properties": {"@timestamp": {"type": "date"}}},
}


def _raw(number: int, name: str, *, ago: timedelta = MINUTE, address: str = "203.0.113.7") -> dict[str, object]:
    time = (NOW - ago).isoformat()
    return {
        "@timestamp": time,
        "eventTime": time,
        "eventID": f"3fcfb182-98f8-4744-bd45-{number:012x}",
        "eventName": name,
        "recipientAccountId": "111122223333",
        "sourceIPAddress": address,
    }


def _ecs(number: int, name: str) -> dict[str, object]:
    return {
        "@timestamp": (NOW + MINUTE).isoformat(),
        "event": {"id": f"3fcfb182-98f8-4744-bd45-{number:012x}", "action": name},
        "aws": {"cloudtrail": {"recipient_account_id": "111122223333"}},
        "source": {"address": "203.0.113.7"},
    }


def _event(document: dict[str, object]) -> Event:
    return read_event(document, {}, index="trail", document_id="d1", profile=CLOUDTRAIL, seen_at=NOW)


def _around(server: SearchServer, index: str, *events: Event) -> dict[str, str]:
    client = connect(Connection(urls=(server.url,)), flavor=server.flavor)
    try:
        return look_around(events, index=index, profile=CLOUDTRAIL, time_fields=("@timestamp",), client=client)
    finally:
        client.close()


@pytest.mark.parametrize("kind", MAPPINGS)
def test_what_its_address_did_within_ten_minutes_is_told_in_either_shape(
    search_server: SearchServer, kind: str
) -> None:
    """Itself and its copy are left out, and so are other addresses and other times."""
    own = _raw(1, "ConsoleLogin", ago=timedelta(0))
    fill_index(
        search_server,
        f"around-{kind}",
        MAPPINGS[kind],
        {
            "itself": own,
            "copy": own,
            "two": _raw(2, "ListBuckets"),
            "three": _raw(3, "ListBuckets"),
            "ecs": _ecs(4, "PutBucketPolicy"),
            "earlier": _raw(5, "CreateUser", ago=11 * MINUTE),
            "elsewhere": _raw(6, "CreateRole", address="203.0.113.70"),
        },
    )
    event = _event(own)
    told = _around(search_server, f"around-{kind}", event)
    assert {event.key: "3 events from this address in ±10 min: ListBuckets (2), PutBucketPolicy"} == told


@pytest.mark.parametrize("kind", ["date", "date_nanos"])
def test_what_happened_around_it_is_found_whatever_the_format_of_the_dates(
    search_server: SearchServer, kind: str
) -> None:
    """Seconds since 1970 are a format too; nanoseconds are a type of their own."""
    form = {"format": "epoch_second"} if kind == "date" else {}
    seconds = int(NOW.timestamp())
    documents = {
        f"d{number}": {**_raw(number, name), "@timestamp": seconds if form else NOW.isoformat()}
        for number, name in ((1, "ConsoleLogin"), (2, "ListBuckets"))
    }
    fill_index(
        search_server,
        f"around-format-{kind}",
        {"properties": {"@timestamp": {"type": kind, **form}, "sourceIPAddress": {"type": "keyword"}}},
        documents,
    )
    event = _event(documents["d1"])
    told = _around(search_server, f"around-format-{kind}", event)
    assert {event.key: "1 event from this address in ±10 min: ListBuckets"} == told


def test_an_event_that_is_alone_or_has_no_address_has_nothing_around_it(embedded: SearchServer) -> None:
    """A service's name is shared by everybody."""
    documents = {
        "alone": _raw(1, "ConsoleLogin"),
        "service": _raw(2, "GetBucketAcl", address="s3.amazonaws.com"),
        "another": _raw(3, "GetBucketAcl", address="s3.amazonaws.com"),
    }
    fill_index(embedded, "around-alone", MAPPINGS["texts"], documents)
    assert {} == _around(embedded, "around-alone", *map(_event, documents.values()))


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_an_event_at_either_end_of_the_calendar_stops_nothing(embedded: SearchServer, time: str) -> None:
    """Whoever writes the document chooses its time, and a scan that fails on it would never complete."""
    fill_index(embedded, "around-ends", MAPPINGS["texts"], {"other": _raw(2, "ListBuckets")})
    event = _event({**_raw(1, "ConsoleLogin"), "eventTime": time})
    assert {} == _around(embedded, "around-ends", event)


def test_a_server_that_refuses_the_look_is_asked_once_and_every_message_says_so() -> None:
    """Not "nothing around it"; and a page of alerts does not wait for one answer after the other."""
    events = [replace(_event(_raw(number, "ConsoleLogin")), key=f"k{number}") for number in range(5)]
    refuses = reply(503, error_body("unavailable", "shards are closed"))
    with serving(ScriptedServer("opensearch", always={"search": refuses})) as server:
        asked = SearchServer("scripted", "opensearch", server.url)
        assert {f"k{number}": FAILED for number in range(5)} == _around(asked, "logs-1", *events)
        assert 1 == server.count("search")
