"""Scans of real search servers into a real ledger."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from alertd.clock import SystemClock
from alertd.ledger.file import create
from alertd.ledger.model import NotificationKind
from alertd.ledger.sqlite import open_ledger
from alertd.poll import Poll
from alertd.search.connection import Connection, connect
from alertd.trouble import Troubles
from tests.servers.filling import drop_index, fill_index
from tests.servers.running import SearchServer
from tests.simulation.history import RULES, SOURCE

INDEX = "trail-poll"
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
