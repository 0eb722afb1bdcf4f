"""What is wrong although nothing failed: from a real ledger."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from alertd.ledger.file import create
from alertd.ledger.model import Attempt, Message, MessageKind, MessageState, NotificationKind
from alertd.ledger.sqlite import SqliteLedger, open_ledger
from alertd.ops.backlog import MISSED_SCANS, STALLED, Backlog, stalled
from alertd.ops.trouble import Troubles
from tests.contract.test_ledger import DAY, HOUR, NOW, SECOND, begin, match, scan
from tests.simulation.world import SimulatedClock
from tests.unit.told import RULE

MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class Look:
    ledger: SqliteLedger
    clock: SimulatedClock
    backlog: Backlog

    def troubles(self) -> dict[str, str]:
        self.backlog.look()
        return {episode.subject: episode.text for episode in self.backlog.troubles.open()}


@pytest.fixture
def look(tmp_path: Path) -> Iterator[Look]:
    clock = SimulatedClock(NOW)
    create(tmp_path / "alertd.db", now=NOW)
    with closing(open_ledger(tmp_path / "alertd.db", now=NOW)) as ledger:
        begin(ledger)
        searched = {RULE.rule_set: ("trail", 10 * SECOND)}
        yield Look(ledger, clock, Backlog(ledger, clock, Troubles(clock), ["security"], searched, 10 * MINUTE))


def test_what_waits_for_long_is_told_in_whatever_state_and_ends_when_it_is_sent(look: Look) -> None:
    look.ledger.record([match(1), match(2)], now=NOW, scans=[scan()])
    look.clock.advance(10 * MINUTE - SECOND)
    assert {} == _without_stalls(look.troubles())
    look.clock.advance(SECOND)
    expected = {"backlog security": "2 wait to be sent, the oldest since 2026-11-24 09:00 UTC."}
    assert expected == {name: text.partition(" They")[0] for name, text in _without_stalls(look.troubles()).items()}
    message = Message("d1", "security", MessageKind.DIGEST, "{}", look.clock.now())
    waiting = look.ledger.waiting("security", NotificationKind.MESSAGE, limit=9)
    look.ledger.freeze(message, [note.id for note in waiting])
    assert {} == _without_stalls(look.troubles())  # a message that is new: the courier is at it
    look.clock.advance(10 * MINUTE)
    assert look.troubles()["backlog security"].startswith("1 wait to be sent, the oldest since 2026-11-24 09:10 UTC.")


def test_a_doubt_is_told_when_it_lasts_and_is_no_backlog(look: Look) -> None:
    message = Message("d1", "security", MessageKind.EVENT, "{}", NOW)
    look.ledger.freeze(message, [])
    sending = replace(message, state=MessageState.SENDING, attempts=1, attempted_at=NOW)
    look.ledger.save(sending, was=MessageState.PENDING, attempt=Attempt("d1", 1, NOW))
    look.ledger.save(replace(sending, state=MessageState.UNKNOWN, unknown_since=NOW), was=MessageState.SENDING)
    look.clock.advance(9 * MINUTE)
    assert {} == _without_stalls(look.troubles())
    look.clock.advance(5 * MINUTE)
    assert ["destination security unknown sends"] == list(_without_stalls(look.troubles()))


def test_time_that_no_scan_reached_is_told_until_one_reaches_over_it(look: Look) -> None:
    look.ledger.record([], now=NOW, scans=[scan()])
    look.ledger.record([], now=NOW, scans=[scan(NOW + DAY, reach=HOUR)])
    assert (
        "no search reached 2026-11-24 09:00 UTC to 2026-11-25 08:00 UTC." in look.troubles()["coverage aws-root-user"]
    )
    look.ledger.record([], now=NOW, scans=[scan(NOW + DAY, reach=DAY - HOUR)])
    assert "coverage aws-root-user" in look.troubles()
    look.ledger.record([], now=NOW, scans=[scan(NOW + DAY, reach=DAY)])
    assert "coverage aws-root-user" not in look.troubles()


def test_a_rule_set_that_is_not_searched_is_told_unless_its_source_is_known_to_fail(look: Look) -> None:
    look.ledger.record([], now=NOW, scans=[scan()])
    look.clock.advance(STALLED + SECOND * 2)
    assert ["stalled aws-root-user"] == list(look.troubles())
    look.backlog.troubles.begin("source trail", "is down")
    assert ["source trail"] == list(look.troubles())
    look.backlog.troubles.end("source trail")
    look.ledger.record([], now=NOW, scans=[scan(look.clock.now())])
    assert {} == look.troubles()


@pytest.mark.parametrize(
    ("last", "interval", "started", "told"),
    [
        (NOW - STALLED, SECOND, NOW - DAY, True),
        (NOW - STALLED + SECOND, SECOND, NOW - DAY, False),
        (NOW - DAY, SECOND, NOW - MINUTE, False),  # it was down: nobody could scan
        (NOW - 2 * HOUR, HOUR, NOW - DAY, False),  # that is how often it is searched
        (NOW - MISSED_SCANS * HOUR, HOUR, NOW - DAY, True),
        (None, SECOND, NOW - STALLED, True),  # its baseline never came to an end
        (None, SECOND, NOW - MINUTE, False),
        (NOW + DAY, SECOND, NOW - STALLED, True),  # noted while a clock was ahead
    ],
)
def test_when_a_search_counts_as_stalled(last: object, interval: timedelta, started: object, told: bool) -> None:
    assert told is (stalled(last, interval, started=started, now=NOW) is not None)  # type: ignore[arg-type]


def _without_stalls(found: dict[str, str]) -> dict[str, str]:
    """Nothing scans in these tests."""
    return {subject: text for subject, text in found.items() if not subject.startswith("stalled ")}
