"""Exceptions of a rule: what is silenced, for how long, and what remains of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alertd import compose, status
from alertd.cli.explain import explain_event
from alertd.clock import SystemClock
from alertd.config import load_settings
from alertd.ledger import file
from alertd.ledger.model import NotificationKind
from alertd.ledger.sqlite import SqliteLedger, open_ledger
from alertd.ops.trouble import Troubles
from tests.servers.filling import fill_index
from tests.servers.running import SearchServer

NOW = datetime.now(UTC).replace(microsecond=0)
END = NOW - timedelta(hours=1)
MAPPING = {
    "dynamic": False,
    "properties": {
        "@timestamp": {"type": "date"},
        "eventID": {"type": "keyword"},
        "eventName": {"type": "keyword"},
        "sourceIPAddress": {"type": "ip"},
    },
}
CONFIG = """
[elasticsearch]
url = "{url}"
[sources.cloudtrail]
index = "trail-exceptions"
[destinations.security]
type = "slack-webhook"
url_file = "hook"
[ledger]
path = "alertd.db"
"""
RULES = """
[[rules]]
id = "root-lists"
title = "Root lists"
severity = "low"
query.lucene = "eventName:ListBuckets"
[[rules.exceptions]]
query.lucene = '{query}'
reason = "the auditors"
until = {until}
[[rules]]
id = "root-any"
title = "Root"
severity = "low"
query.lucene = "eventName:*"
"""


def _event(event_id: str, time: datetime, address: str = "203.0.113.7") -> dict[str, object]:
    return {"@timestamp": time.isoformat(), "eventTime": time.isoformat(), "eventID": event_id,
            "eventName": "ListBuckets", "recipientAccountId": "111122223333", "sourceIPAddress": address}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("rules").mkdir()
    Path("hook").write_text("https://hooks.slack.com/services/T0/B0/x")
    Path("hook").chmod(0o600)
    return tmp_path


def _swept(server: SearchServer, query: str) -> tuple[SqliteLedger, Troubles]:
    """A ledger whose rules were there before the events, after one sweep."""
    Path("alertd.toml").write_text(CONFIG.format(url=server.url))
    Path("rules/team.toml").write_text(RULES.format(query=query, until=END.isoformat()))
    settings = load_settings(Path("alertd.toml"))
    file.create(Path("alertd.db"), now=NOW)
    ledger = open_ledger(Path("alertd.db"), now=NOW)
    troubles = Troubles(SystemClock())
    [watch] = compose.searching.watches(
        settings, compose.rules.rule_sets(settings), ledger, clock=SystemClock(), troubles=troubles
    )
    fill_index(server, "trail-exceptions", MAPPING, {"other": {"@timestamp": NOW.isoformat()}})
    watch.poll.start()
    watch.poll.sweep()
    events = [
        _event("within", END - timedelta(seconds=1)),
        _event("after", END),
        _event("from-elsewhere", END - timedelta(seconds=1), "198.51.100.1"),
    ]
    fill_index(server, "trail-exceptions", MAPPING, {f"d{number}": event for number, event in enumerate(events)})
    watch.poll.sweep()
    return ledger, troubles


def _told(ledger: SqliteLedger) -> set[str]:
    kinds = (NotificationKind.MESSAGE, NotificationKind.BASELINE)
    return {each.event.id for kind in kinds for each in ledger.waiting("security", kind, limit=10)}


def test_what_an_exception_covers_is_kept_with_its_reason_and_told_to_nobody(
    search_server: SearchServer, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only what matches it, only until it ends, judged by the time of the event. No later rule takes it instead."""
    ledger, _ = _swept(search_server, "sourceIPAddress:203.0.113.7")
    assert {"after", "from-elsewhere"} == _told(ledger)
    [event] = ledger.find_events("within")
    [told] = status.life(ledger, event)
    until = f"{END:%Y-%m-%d %H:%M} UTC"
    assert ("root-lists", "excepted", f"the auditors (until {until})") == (told.rule, told.kind, told.exception)
    ledger.close()
    assert 0 == explain_event("within", None, as_json=False)
    assert f"told to nobody: an exception of the rule holds: the auditors (until {until})" in capsys.readouterr().out


def test_an_exception_that_the_server_refuses_silences_nothing(search_server: SearchServer, folder: Path) -> None:
    """Better told than lost: the mistake is reported, and the rule goes on without the exception."""
    ledger, troubles = _swept(search_server, "sourceIPAddress:nowhere")
    assert {"within", "after", "from-elsewhere"} == _told(ledger)
    assert ["the exception root-lists#1"] == [episode.subject for episode in troubles.open()]
    ledger.close()
