"""A ledger of an earlier alertd, opened by this one: what was seen and sent stays, and what is new works."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alertd.ledger import file
from alertd.ledger.model import Message, MessageKind, MessageState, NotificationKind
from alertd.ledger.rows import maybe_from_micros
from alertd.ledger.sqlite import open_ledger, open_readonly

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
EVENT_ID = "3fcfb182-98f8-4744-bd45-10ae4c0b1d2e"
OLD = f"""
INSERT INTO events VALUES ('k1', '{EVENT_ID}', 1000000, 2000000, NULL, '{{}}');
INSERT INTO matches VALUES ('k1', 'root', 'root-used', 'alert', '{{}}', '[]', 2000000, NULL);
INSERT INTO messages VALUES ('d1', 1, 'security', 'event', '{{"text": "x"}}', 2000000, 'sent', NULL, 1, NULL, 2000000,
    NULL, 0, 0, 0, 0, 'C1', '1.1', NULL, 3000000, NULL);
INSERT INTO notifications (event_key, destination, rule_set, kind, event_time, delivery_id, position)
    VALUES ('k1', 'security', 'root', 'message', 1000000, 'd1', 0);
"""


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As the first schema made it, with one event that was told."""
    path, all_of_them = tmp_path / "alertd.db", file.migrations
    monkeypatch.setattr(file, "migrations", lambda: all_of_them()[:1])
    file.create(path, now=NOW)
    monkeypatch.undo()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD)
        assert 1 == connection.execute("PRAGMA user_version").fetchone()[0]
    return path


def test_the_daemon_brings_an_old_ledger_up_to_date_and_forgets_nothing(old: Path) -> None:
    """Opened again, its tables are those that a new ledger has."""
    with closing(open_ledger(old, now=NOW)) as ledger:
        message = ledger.message("d1")
        assert (MessageState.SENT, "1.1", None) == (message.state, message.ts, message.replay_of)
        assert frozenset() == ledger.unseen("root", ["k1"])
        ledger.replay([Message("d2", "security", MessageKind.EVENT, "{}", NOW, replay_of="d1")])
    with closing(open_ledger(old, now=NOW)) as ledger:
        pending = ledger.next_pending("security", now=NOW)
        assert pending is not None
        assert ("d2", "d1") == (pending.delivery_id, pending.replay_of)


def test_a_look_at_an_old_ledger_changes_nothing_and_sees_it_as_it_will_be(old: Path) -> None:
    """Between an upgrade and the first start every command that only reads still works."""
    before = old.read_bytes()
    with closing(open_readonly(old)) as ledger:
        assert None is ledger.message("d1").replay_of
        assert [] == ledger.read("replays")
    assert before == old.read_bytes()


def test_a_look_at_a_large_old_ledger_takes_little_memory(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("INSERT INTO meta VALUES ('ballast', hex(zeroblob(60000000)))")
    look = "open_readonly(Path(sys.argv[1])).close(); print(Path('/proc/self/status').read_text())"
    program = f"import sys; from pathlib import Path; from alertd.ledger.sqlite import open_readonly; {look}"
    done = subprocess.run([sys.executable, "-c", program, str(old)], capture_output=True, text=True, check=True)
    [most] = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("VmHWM:")]
    assert int(most) < 120_000, "KiB"


def test_a_replay_queues_all_of_its_messages_or_none(old: Path) -> None:
    """And tells an event that stays with the message that told it first; news goes before it."""
    with closing(open_ledger(old, now=NOW)) as ledger:
        replay = Message("d2", "security", MessageKind.EVENT, "{}", NOW, replay_of="d1")
        with pytest.raises(Exception, match="UNIQUE"):
            ledger.replay([replay, replace(replay, delivery_id="d1")])
    with closing(open_ledger(old, now=NOW)) as ledger:
        assert None is ledger.next_pending("security", now=NOW)
        ledger.replay([replay])
        ledger.freeze(Message("d3", "security", MessageKind.EVENT, "{}", NOW), ())
        pending = ledger.next_pending("security", now=NOW)
        assert pending is not None
        assert "d3" == pending.delivery_id
    with closing(sqlite3.connect(old)) as connection:
        assert [("d1",)] == connection.execute("SELECT delivery_id FROM notifications").fetchall()


def test_what_pruning_raised_no_longer_counts_as_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each fact goes where it belongs; of a rule without a baseline in the ledger nothing is claimed."""
    path, all_of_them = tmp_path / "alertd.db", file.migrations
    monkeypatch.setattr(file, "migrations", lambda: all_of_them()[:3])
    file.create(path, now=NOW)
    monkeypatch.undo()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("""
            INSERT INTO rules VALUES ('never', 'r', 'f', 900, 1000, 100), ('pruned', 'r', 'f', 900, 1000, 700),
                ('unknown', 'r', 'f', 900, 1000, 100);
            INSERT INTO scans VALUES (1, 'never', 'baseline', 900, 950, 400, 0, 0),
                (2, 'pruned', 'baseline', 900, 950, 400, 0, 0);
        """)
    with closing(open_ledger(path, now=NOW)) as ledger:
        states = [ledger.rule_states(name)["r"] for name in ("never", "pruned", "unknown")]
        facts = [(each.floor, each.forgotten_before, each.searched_since) for each in states]
    at = maybe_from_micros
    assert [(at(500), None, at(500)), (at(500), at(700), at(500)), (at(100), None, None)] == facts


WAITING = """
INSERT INTO events SELECT 'k' || value, 'e' || value, value, value, NULL, '{}' FROM json_each('[1, 2, 3, 4, 5, 6, 7]');
INSERT INTO matches VALUES
    ('k1', 'root', 'r', 'alert', '{"severity": "low"}', '[]', 1, NULL),
    ('k2', 'root', 'r', 'alert', '{"severity": "critical"}', '[]', 2, NULL),
    ('k3', 'root', 'r', 'baseline', '{"severity": "critical"}', '[]', 3, NULL),
    ('k4', 'root', 'r', 'alert', '{"severity": "info"}', '[]', 4, NULL),
    ('k5', 'root', 'r', 'alert', '{"severity": "high"}', '[]', 5, NULL),
    ('k6', 'root', 'r', 'alert', '{"severity": "high"}', '[]', 6, NULL),
    ('k7', 'root', 'r', 'alert', '{"severity": "medium"}', '[]', 7, NULL);
INSERT INTO messages SELECT 'd' || value, value, 'security', 'digest', '{}', value, state, NULL, 0, NULL, value,
    value, 0, 0, 0, 0, NULL, NULL, NULL, iif(state = 'sent', value, NULL), NULL, NULL
    FROM json_each('[4, 5, 6]') JOIN (SELECT 4 AS at, 'pending' AS state UNION VALUES (5, 'unknown'), (6, 'sent'))
    ON at = value;
INSERT INTO notifications (event_key, destination, rule_set, kind, event_time, delivery_id, position) VALUES
    ('k1', 'security', 'root', 'message', 1, NULL, NULL),
    ('k2', 'security', 'root', 'message', 2, NULL, NULL),
    ('k3', 'security', 'root', 'baseline', 3, NULL, NULL),
    ('k4', 'security', 'root', 'message', 4, 'd4', 0),
    ('k5', 'security', 'root', 'message', 5, 'd5', 0),
    ('k6', 'security', 'root', 'message', 6, 'd6', 0),
    ('k7', 'security', 'root', 'message', 7, 'd4', 1);
"""


def test_what_waits_in_an_old_ledger_is_told_once_and_the_most_urgent_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting, frozen and in doubt; what is listed from the past is not urgent, and not held."""
    path, all_of_them = tmp_path / "alertd.db", file.migrations
    monkeypatch.setattr(file, "migrations", lambda: all_of_them()[:4])
    file.create(path, now=NOW)
    monkeypatch.undo()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(WAITING)
    with closing(open_ledger(path, now=NOW)) as ledger:
        assert {NotificationKind.MESSAGE: 4, NotificationKind.BASELINE: 0} == ledger.urgencies("security")
        waiting = ledger._read("waiting", destination="security", kind="message", limit=9)
        assert [2, 1] == [row["seen_at"] for row in waiting]
        assert 1 == ledger.waiting_count("security", NotificationKind.BASELINE)
        assert [("root", 1)] == [(past.rule_set, past.number) for past in ledger.waiting_past("security")]
        urgencies = {name: ledger.message(name).urgency for name in ("d4", "d5", "d6")}
        assert {"d4": 2, "d5": 3, "d6": 0} == urgencies, "pending, in doubt, sent"
        pending = ledger.next_pending("security", now=NOW)
        assert pending is not None
        assert "d4" == pending.delivery_id
