"""What poll and deliver rely on, whatever store keeps the ledger."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alertd.errors import LedgerConflictError, LedgerHeldError, LedgerUnusableError
from alertd.event.event import Event
from alertd.ledger.file import create
from alertd.ledger.model import (
    Attempt,
    DestinationCondition,
    DestinationState,
    Episode,
    Match,
    MatchKind,
    Message,
    MessageKind,
    MessageState,
    NotificationKind,
    RuleState,
    Scan,
    ScanKind,
)
from alertd.ledger.sqlite import SqliteLedger, open_ledger, open_readonly
from alertd.rules.model import Deliver, RuleFacts
from tests.unit.told import EVENT, RULE

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
BEGUN = RuleState(RULE.rule_set, RULE.id, "f1", NOW, None)
COVERED = replace(BEGUN, covered_until=NOW, floor=NOW - HOUR, searched_since=NOW - HOUR)  # by scan()


@dataclass(frozen=True, slots=True)
class Engine:
    """A store of ledgers: how to open it again, and how to speak to it past alertd."""

    path: Path
    open: Callable[[], SqliteLedger]
    look: Callable[[], SqliteLedger]

    def raw(self, statement: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("PRAGMA foreign_keys = 1")
            return connection.execute(statement).fetchall()


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    path = tmp_path / "alertd.db"
    create(path, now=NOW)
    with closing(open_ledger(path, now=NOW)) as ledger:
        begin(ledger)
    return Engine(path, lambda: open_ledger(path, now=NOW), lambda: open_readonly(path))


@pytest.fixture
def ledger(engine: Engine) -> Iterator[SqliteLedger]:
    with closing(engine.open()) as opened:
        yield opened


def begin(ledger: SqliteLedger) -> None:
    ledger.begin(RULE.rule_set, {RULE.id: BEGUN.fingerprint}, now=NOW)


def event(number: int, *, at: datetime = NOW) -> Event:
    name = f"3fcfb182-98f8-4744-bd45-{number:012x}"
    return replace(EVENT, key=f"cloudtrail:111122223333:{name}", id=name, time=at)


def match(number: int, *, rule: RuleFacts = RULE, kind: MatchKind = MatchKind.ALERT, at: datetime = NOW) -> Match:
    return Match(event(number, at=at), rule, kind, ("security",))


def scan(at: datetime = NOW, *, reach: timedelta = HOUR) -> Scan:
    return Scan(RULE.rule_set, ScanKind.FAST, at, at + SECOND, reach, 10, 0, {RULE.id: BEGUN.fingerprint})


def freeze(ledger: SqliteLedger, name: str = "d1", *, thread_of: str | None = None) -> Message:
    """All that waits, in one message."""
    waiting = [note.id for kind in NotificationKind for note in ledger.waiting("security", kind, limit=100)]
    message = Message(name, "security", MessageKind.EVENT, '{"text": "x"}', NOW, thread_of=thread_of)
    ledger.freeze(message, waiting)
    return message


def start(ledger: SqliteLedger, message: Message) -> Message:
    sending = replace(message, state=MessageState.SENDING, attempts=1, attempted_at=NOW)
    ledger.save(sending, was=MessageState.PENDING, attempt=Attempt(message.delivery_id, 1, NOW))
    return sending


def send(ledger: SqliteLedger, message: Message) -> Message:
    sent = replace(start(ledger, message), state=MessageState.SENT, sent_at=NOW, channel="C1", ts="1.1")
    ledger.save(sent, was=MessageState.SENDING, attempt=Attempt(message.delivery_id, 1, NOW, NOW, "Sent"))
    return sent


def waiting(ledger: SqliteLedger, kind: NotificationKind = NotificationKind.MESSAGE) -> list[str]:
    return [note.event.id for note in ledger.waiting("security", kind, limit=100)]


def test_an_event_is_recorded_and_notified_once_however_often_it_is_found(ledger: SqliteLedger) -> None:
    assert 2 == ledger.record([match(1), match(2), match(1)], now=NOW)
    assert 0 == ledger.record([match(1), match(2)], now=NOW + HOUR)
    assert [event(1).id, event(2).id] == waiting(ledger)
    assert frozenset({event(3).key}) == ledger.unseen(RULE.rule_set, [event(1).key, event(3).key])


def test_an_event_is_kept_as_it_was_first_seen(ledger: SqliteLedger) -> None:
    ledger.record([match(1)], now=NOW)
    altered = replace(match(1), event=replace(event(1), action="Altered"))
    ledger.record([altered], now=NOW + HOUR)
    [note] = ledger.waiting("security", NotificationKind.MESSAGE, limit=9)
    assert (event(1), NOW) == (note.event, note.seen_at)


def test_events_notifications_and_cursor_are_one_transaction(engine: Engine, ledger: SqliteLedger) -> None:
    """The last thing written fails: nothing before it stays."""
    impossible = replace(scan(), candidates=None)  # type: ignore[arg-type]
    with pytest.raises(LedgerUnusableError):
        ledger.record([match(1)], now=NOW, scans=[impossible])
    ledger.close()
    with closing(engine.open()) as again:
        assert [] == waiting(again)
        assert {RULE.id: BEGUN} == again.rule_states(RULE.rule_set)
    for table in ("events", "matches", "notifications", "scans"):
        assert [] == engine.raw(f"SELECT * FROM {table}"), table


_DIES = """
import os, sys
from pathlib import Path
from tests.contract.test_ledger import NOW, match, scan
from alertd.ledger.sqlite import open_ledger
ledger = open_ledger(Path(sys.argv[1]), now=NOW)
left = int(sys.argv[2])
def count(statement):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), 9)
ledger._connection.set_trace_callback(count)
ledger.record([match(1), match(2)], now=NOW, scans=[scan()])
print("committed")
"""


def test_a_process_killed_before_any_statement_leaves_all_or_nothing(engine: Engine) -> None:
    """SIGKILL before each SQL statement of a scan's transaction in turn, up to and including COMMIT."""
    deaths = 0
    for statements in range(100):
        done = subprocess.run(
            [sys.executable, "-c", _DIES, str(engine.path), str(statements)],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
            check=False,
        )
        with closing(engine.open()) as again:
            if done.returncode == 0:
                assert 2 == len(waiting(again))
                assert {RULE.id: COVERED} == again.rule_states(RULE.rule_set)
                break
            assert -9 == done.returncode, done.stderr
            deaths += 1
            assert [] == waiting(again)
            assert {RULE.id: BEGUN} == again.rule_states(RULE.rule_set)
    else:
        pytest.fail("never committed")
    assert deaths >= 10


def test_a_page_of_an_incomplete_scan_moves_no_cursor(ledger: SqliteLedger) -> None:
    ledger.record([match(1)], now=NOW)
    assert {RULE.id: BEGUN} == ledger.rule_states(RULE.rule_set)
    ledger.record([match(2)], now=NOW, scans=[scan()])
    assert {RULE.id: COVERED} == ledger.rule_states(RULE.rule_set)


def test_a_cursor_never_moves_back(ledger: SqliteLedger) -> None:
    ledger.record([], now=NOW, scans=[scan()])
    ledger.record([], now=NOW, scans=[scan(NOW - HOUR)])
    begin(ledger)
    assert {RULE.id: replace(COVERED, searched_since=NOW - 2 * HOUR)} == ledger.rule_states(RULE.rule_set)


def test_a_rule_begins_once_and_is_covered_as_what_it_then_was(ledger: SqliteLedger) -> None:
    """A changed rule stays the old one until a scan of the new one is complete; without a scan nothing is covered."""
    ledger.begin(RULE.rule_set, {RULE.id: "f2", "other": "f3"}, now=NOW + HOUR)
    assert BEGUN == ledger.rule_states(RULE.rule_set)[RULE.id]
    ledger.record([], now=NOW, scans=[replace(scan(NOW + 2 * HOUR), covered={RULE.id: "f2"})])
    states = ledger.rule_states(RULE.rule_set)
    assert ("f2", NOW, NOW + 2 * HOUR) == (
        states[RULE.id].fingerprint,
        states[RULE.id].started_at,
        states[RULE.id].covered_until,
    )
    assert RuleState(RULE.rule_set, "other", "f3", NOW + HOUR, None) == states["other"]


def test_time_that_no_scan_reached_is_kept_as_a_gap(engine: Engine, ledger: SqliteLedger) -> None:
    ledger.record([], now=NOW, scans=[scan()])
    ledger.record([], now=NOW, scans=[scan(NOW + HOUR, reach=2 * HOUR)])
    assert [] == ledger.read("gaps", rule_set=RULE.rule_set)
    ledger.record([], now=NOW, scans=[scan(NOW + DAY, reach=HOUR)])
    [gap] = ledger.read("gaps", rule_set=RULE.rule_set)
    assert 22 * HOUR == timedelta(microseconds=gap["ended"] - gap["began"])


def test_a_scan_that_reaches_over_a_gap_closes_it_and_no_other(ledger: SqliteLedger) -> None:
    ledger.record([], now=NOW, scans=[scan()])
    ledger.record([], now=NOW, scans=[scan(NOW + DAY, reach=HOUR)])
    ledger.record([], now=NOW, scans=[scan(NOW + 2 * DAY, reach=HOUR)])
    assert 2 == len(ledger.read("gaps", rule_set=RULE.rule_set))
    ledger.record([], now=NOW, scans=[scan(NOW + 2 * DAY, reach=2 * DAY - SECOND)])
    gaps = [row["ended"] - row["began"] for row in ledger.read("gaps", rule_set=RULE.rule_set)]
    assert 1 == len(gaps)
    ledger.record([], now=NOW, scans=[scan(NOW + 2 * DAY, reach=2 * DAY)])
    assert [] == ledger.read("gaps", rule_set=RULE.rule_set)


def test_there_is_one_open_episode_of_a_subject_and_it_outlives_a_restart(engine: Engine, ledger: SqliteLedger) -> None:
    first = Episode("ledger", "full", NOW, NOW)
    ledger.save_episode(first)
    with pytest.raises(LedgerUnusableError, match="UNIQUE"):
        ledger.save_episode(replace(first, began_at=NOW + HOUR))
    ledger.close()
    with closing(engine.open()) as again:
        assert (first,) == again.episodes()
        again.save_episode(replace(first, over_at=NOW + HOUR))
        assert () == again.episodes()
        again.save_episode(replace(first, began_at=NOW + DAY))
        assert 1 == len(again.episodes())
        again.prune(before=NOW + 2 * HOUR)
        assert [(1,)] == engine.raw("SELECT count(*) FROM episodes")


def test_a_message_of_an_episode_may_be_forgotten(engine: Engine, ledger: SqliteLedger) -> None:
    message = Message("d1", "security", MessageKind.OPS, "{}", NOW)
    ledger.save_episode(Episode("ledger", "full", NOW, NOW, "d1"), message)
    send(ledger, message)
    ledger.prune(before=NOW + DAY)
    assert [None] == [episode.told_by for episode in ledger.episodes()]


def test_what_is_remembered_and_its_message_are_one_transaction(engine: Engine, ledger: SqliteLedger) -> None:
    assert ledger.remembered("day") is None
    message = Message("d1", "security", MessageKind.OPS, "{}", NOW)
    ledger.remember("day", "2026-11-23", message)
    ledger.close()
    with closing(engine.open()) as again:
        assert "2026-11-23" == again.remembered("day")
        assert message == again.message("d1")
        with pytest.raises(LedgerUnusableError, match="UNIQUE"):
            again.remember("day", "2026-11-24", message)
    with closing(engine.open()) as last:
        assert "2026-11-23" == last.remembered("day")


@pytest.mark.parametrize("kind", ["message", "session", "baseline"])
def test_the_schema_refuses_to_tell_an_event_to_a_destination_twice(
    engine: Engine, ledger: SqliteLedger, kind: str
) -> None:
    """Whatever Python does: another rule set's match, told as anything but an echo."""
    ledger.record([match(1)], now=NOW)
    ledger.close()
    engine.raw(
        "INSERT INTO matches SELECT event_key, 'other', rule, kind, facts, also, seen_at, exception FROM matches"
    )
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        engine.raw(
            "INSERT INTO notifications (event_key, destination, rule_set, kind, event_time) "
            f"SELECT event_key, destination, 'other', '{kind}', event_time FROM notifications"
        )


@pytest.mark.parametrize(
    "change",
    [
        "state = 'lost'",
        "state = 'sent'",  # without a time of sending
        "sent_at = 1",  # without being sent
        "state = 'sending'",  # without an attempt
        "state = 'unknown', attempted_at = 1",  # since never
        "state = 'unknown', unknown_since = 1",  # of no attempt
        "repeat_possible = 2",
        "plain = NULL",
        "payload = NULL",
        "kind = 'other'",
        "created_at = 'yesterday'",
        "thread_of = 'nobody'",
    ],
)
def test_the_schema_refuses_a_message_in_an_impossible_state(engine: Engine, ledger: SqliteLedger, change: str) -> None:
    ledger.record([match(1)], now=NOW)
    freeze(ledger)
    ledger.close()
    with pytest.raises(sqlite3.IntegrityError):
        engine.raw(f"UPDATE messages SET {change}")


def test_a_message_that_is_no_longer_as_it_was_read_is_not_overwritten(ledger: SqliteLedger) -> None:
    ledger.record([match(1)], now=NOW)
    sent = send(ledger, freeze(ledger))
    for was in (MessageState.PENDING, MessageState.SENDING, MessageState.UNKNOWN):
        with pytest.raises(LedgerConflictError, match="no longer"):
            ledger.save(replace(sent, state=MessageState.PENDING, sent_at=None), was=was)
    assert sent == ledger.message("d1")


def test_a_refused_save_leaves_attempt_and_destination_as_they_were(ledger: SqliteLedger) -> None:
    ledger.record([match(1)], now=NOW)
    message = freeze(ledger)
    paused = DestinationState("security", DestinationCondition.PAUSED, failures=3)
    with pytest.raises(LedgerConflictError):
        ledger.save(message, was=MessageState.SENDING, attempt=Attempt("d1", 1, NOW), destination=paused)
    assert () == ledger.attempts("d1")
    assert DestinationState("security") == ledger.destination("security")


def test_a_notification_goes_into_one_message_only(ledger: SqliteLedger) -> None:
    ledger.record([match(1)], now=NOW)
    [note] = ledger.waiting("security", NotificationKind.MESSAGE, limit=9)
    freeze(ledger)
    with pytest.raises(LedgerConflictError):
        ledger.freeze(Message("d2", "security", MessageKind.EVENT, "{}", NOW), [note.id])
    assert ("d1",) == tuple(kept.delivery_id for kept in ledger.messages("security", MessageState.PENDING))


def test_what_was_being_sent_is_found_as_such_after_a_restart(engine: Engine, ledger: SqliteLedger) -> None:
    """It is neither pending nor sent: deliver makes it unknown, and only then may it be read back."""
    ledger.record([match(1)], now=NOW)
    sending = start(ledger, freeze(ledger))
    ledger.close()
    with closing(engine.open()) as again:
        assert None is again.next_pending("security", now=NOW + DAY)
        assert (sending,) == again.messages("security", MessageState.SENDING)
        unknown = replace(sending, state=MessageState.UNKNOWN, unknown_since=NOW)
        again.save(unknown, was=MessageState.SENDING)
        assert None is again.next_pending("security", now=NOW + DAY)
        assert (unknown,) == again.messages("security", MessageState.UNKNOWN)


def test_a_further_rule_set_gets_a_reply_in_the_thread_that_waits_for_its_parent(ledger: SqliteLedger) -> None:
    ledger.record([match(1)], now=NOW)
    parent = freeze(ledger)
    other = replace(RULE, rule_set="other")
    assert 1 == ledger.record([match(1, rule=other)], now=NOW)
    [echo] = ledger.waiting("security", NotificationKind.ECHO, limit=9)
    assert "d1" == echo.told_by
    assert [] == waiting(ledger)
    freeze(ledger, "d2", thread_of="d1")
    sending = start(ledger, parent)
    assert None is ledger.next_pending("security", now=NOW)
    ledger.save(replace(sending, state=MessageState.SENT, sent_at=NOW, ts="1.1"), was=MessageState.SENDING)
    reply = ledger.next_pending("security", now=NOW)
    assert reply
    assert "d2" == reply.delivery_id


@pytest.mark.parametrize("kind", [MatchKind.BASELINE, MatchKind.EXCEPTED])
def test_a_further_rule_set_that_alerts_nobody_tells_nothing(ledger: SqliteLedger, kind: MatchKind) -> None:
    ledger.record([match(1)], now=NOW)
    freeze(ledger)
    further = match(1, rule=replace(RULE, rule_set="other"), kind=kind)
    ledger.record([replace(further, exception="known" if kind is MatchKind.EXCEPTED else None)], now=NOW)
    assert 0 == sum(ledger.waiting_count("security", each) for each in NotificationKind)


def test_the_kind_of_a_notification_follows_from_the_match_and_its_rule(ledger: SqliteLedger) -> None:
    session = replace(RULE, deliver=Deliver.SESSION)
    ledger.record([match(1), match(2, rule=session), match(3, kind=MatchKind.BASELINE)], now=NOW)
    for number, kind in enumerate((NotificationKind.MESSAGE, NotificationKind.SESSION, NotificationKind.BASELINE), 1):
        assert [event(number).id] == waiting(ledger, kind)


def test_pruning_forgets_what_is_old_and_told_and_notes_that_it_did(ledger: SqliteLedger) -> None:
    """A forgotten event that is found again is below the floor: poll lists it, and never alerts it."""
    old = NOW - 100 * DAY
    ledger.record([match(1, at=old)], now=old, scans=[scan(old)])
    send(ledger, replace(freeze(ledger), created_at=old))
    ledger.record([match(2, at=old)], now=old)  # not delivered
    ledger.record([match(3, at=old)], now=NOW)  # arrived late
    ledger.record([match(4)], now=NOW)
    assert 1 == ledger.prune(before=NOW - 90 * DAY)
    everything = [event(number).key for number in (1, 2, 3, 4)]
    assert frozenset({event(1).key}) == ledger.unseen(RULE.rule_set, everything)
    assert NOW - 90 * DAY == ledger.rule_states(RULE.rule_set)[RULE.id].forgotten_before
    ledger.record([], now=NOW, scans=[scan(reach=300 * DAY)])
    ledger.prune(before=NOW - 95 * DAY)
    assert NOW - 90 * DAY == ledger.rule_states(RULE.rule_set)[RULE.id].forgotten_before


def test_reopening_gives_the_same(engine: Engine, ledger: SqliteLedger) -> None:
    def everything(kept: SqliteLedger) -> tuple[object, ...]:
        return (
            kept.rule_states(RULE.rule_set),
            kept.waiting("security", NotificationKind.MESSAGE, limit=9),
            kept.message("d1"),
            kept.attempts("d1"),
            kept.items("d1"),
            kept.destination("security"),
            kept.find_events(event(1).id),
        )

    ledger.record([match(1)], now=NOW, scans=[scan()])
    send(ledger, freeze(ledger))
    ledger.record([match(2)], now=NOW)
    ledger.save_destination(DestinationState("security", DestinationCondition.PAUSED, "x", NOW, NOW, 2, NOW, True))
    before = everything(ledger)
    ledger.close()
    with closing(engine.open()) as again:
        assert before == everything(again)
    with closing(engine.look()) as looking:
        assert before == everything(looking)


def test_a_commit_is_on_the_disk_before_it_returns(engine: Engine, ledger: SqliteLedger) -> None:
    """File and directory are synced (EXTRA), and a rollback journal needs no repair by a second file."""
    assert [3, "delete"] == [
        ledger._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")
    ]


def test_threads_take_turns_and_lose_nothing(ledger: SqliteLedger) -> None:
    """Two write overlapping events at once; each event is new to exactly one of them."""
    new = [0, 0]
    gate = threading.Barrier(2)

    def write(which: int) -> None:
        gate.wait()
        for number in range(60):
            new[which] += ledger.record([match(number), match(1000 + 2 * number + which)], now=NOW)

    threads = [threading.Thread(target=write, args=(which,)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert 180 == sum(new)
    assert 180 == ledger.waiting_count("security", NotificationKind.MESSAGE)


def test_a_look_during_writes_sees_whole_transactions_only(engine: Engine, ledger: SqliteLedger) -> None:
    """What `alertd status` does: events and cursor always agree, and neither side is refused."""
    done, looked = threading.Event(), threading.Event()
    trouble: list[BaseException] = []

    def write() -> None:
        try:
            for number in range(80):
                scans = [scan(NOW + number * SECOND)]
                ledger.record([match(2 * number), match(2 * number + 1)], now=NOW, scans=scans)
                looked.wait(0.01)  # as a daemon does: it does not write all the time
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
            trouble.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=write)
    thread.start()
    looks = 0
    while not done.is_set():
        with closing(engine.look()) as looking:
            assert 0 == looking.waiting_count("security", NotificationKind.MESSAGE) % 2
        looks += 1
    thread.join(60)
    assert [] == trouble
    assert looks > 0
    assert 160 == ledger.waiting_count("security", NotificationKind.MESSAGE)


def test_a_look_cannot_write(engine: Engine) -> None:
    with closing(engine.look()) as looking, pytest.raises(LedgerUnusableError):
        looking.record([match(1)], now=NOW)


def test_a_second_opener_is_refused_and_told_who_holds_it(engine: Engine, ledger: SqliteLedger) -> None:
    with pytest.raises(LedgerHeldError, match=f"pid {os.getpid()} on "):
        engine.open()
    assert 1 == ledger.record([match(1)], now=NOW)
    ledger.close()
    engine.open().close()
