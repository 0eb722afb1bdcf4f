"""Episodes in a real ledger: told once, over restarts, kills, flapping and a disk that is full."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alertd.cli import show
from alertd.ledger.file import create
from alertd.ledger.model import Attempt, Episode, Message, MessageKind, MessageState
from alertd.ledger.sqlite import SqliteLedger, open_ledger
from alertd.ops.trouble import LEDGER, REMIND, UNSEEN, Troubles, is_reminder_due
from tests.simulation.world import DAY, HOUR, MINUTE, SECOND, SimulatedClock

OVER_AFTER = 2 * MINUTE
# More than fits into the pages that there are.
LONG = "is full. " * 2000


@dataclass(slots=True)
class Desk:
    """Where troubles are told: what stands in the ledger for the ops destination, in its order."""

    path: Path
    clock: SimulatedClock
    ledger: SqliteLedger
    troubles: Troubles = field(init=False)
    made: int = 0

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """As a new process does."""
        self.troubles = Troubles(self.clock, self.ledger, self._message, over_after=OVER_AFTER)

    def restart(self) -> None:
        """After a kill: only what is on the disk is left."""
        self.ledger.close()
        self.ledger = open_ledger(self.path, now=self.clock.now())
        self.start()

    def wait(self, span: timedelta) -> None:
        """alertd looks every few seconds."""
        end = self.clock.true + span
        while self.clock.true < end:
            self.clock.advance(min(10 * SECOND, end - self.clock.true))
            self.troubles.tend()

    def last(self, span: timedelta, subject: str = "source trail", text: str = "is down.") -> None:
        """A trouble that something complains of every ten seconds."""
        end = self.clock.true + span
        while self.clock.true < end:
            self.troubles.begin(subject, text)
            self.wait(10 * SECOND)

    def told(self) -> list[str]:
        states = (MessageState.PENDING, MessageState.SENT)
        messages = [message for state in states for message in self.ledger.messages("oncall", state)]
        return [message.payload for message in sorted(messages, key=lambda message: message.delivery_id)]

    def deliver(self) -> None:
        """The ops destination takes everything that waits."""
        for message in self.ledger.messages("oncall", MessageState.PENDING):
            sending = replace(message, state=MessageState.SENDING, attempts=1, attempted_at=self.clock.now())
            attempt = Attempt(message.delivery_id, 1, self.clock.now())
            self.ledger.save(sending, was=MessageState.PENDING, attempt=attempt)
            sent = replace(sending, state=MessageState.SENT, sent_at=self.clock.now())
            self.ledger.save(sent, was=MessageState.SENDING)

    def fill(self) -> None:
        """The disk: the ledger may not grow by a page."""
        self.ledger._connection.execute("PRAGMA max_page_count = 1")

    def clear(self) -> None:
        self.ledger._connection.execute("PRAGMA max_page_count = 100000")

    def _message(self, text: str, over: bool) -> Message:
        self.made += 1
        payload = f"{'over ' if over else ''}{text}"
        return Message(f"{self.made:06d}", "oncall", MessageKind.OPS, payload, created_at=self.clock.now())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    clock = SimulatedClock()
    create(tmp_path / "alertd.db", now=clock.now())
    desk = Desk(tmp_path / "alertd.db", clock, open_ledger(tmp_path / "alertd.db", now=clock.now()))
    yield desk
    desk.ledger.close()


def test_a_trouble_is_told_when_it_begins_and_when_it_is_over(desk: Desk) -> None:
    desk.last(10 * MINUTE)
    desk.troubles.end("source trail")
    desk.wait(OVER_AFTER)
    assert [
        "source trail: is down.",
        "over source trail: over since 2026-01-01 00:10 UTC. It began at 2026-01-01 00:00 UTC: is down.",
    ] == desk.told()
    assert () == desk.ledger.episodes()


def test_a_trouble_that_began_by_a_clock_that_was_ahead_says_so(desk: Desk) -> None:
    """Over before it began, or lasting since the future, is what no reader understands."""
    desk.clock.offset = 10 * DAY
    desk.last(MINUTE)
    desk.deliver()
    desk.clock.offset = timedelta(0)
    desk.last(MINUTE)
    desk.troubles.end("source trail")
    desk.wait(OVER_AFTER)
    ahead = "2026-01-11 00:00 UTC, by a clock that was ahead: is down."
    _, still, over = desk.told()
    assert f"source trail: still, since {ahead}" == still
    assert over.endswith(f"It began at {ahead}")


def test_how_long_a_trouble_lasts_is_unknown_where_it_began_in_the_future() -> None:
    began = datetime(2026, 1, 11, tzinfo=UTC)
    assert "2 h" == show.lasting(began, began + 2 * HOUR)
    assert "unknown" == show.lasting(began, began - MINUTE)


def test_people_are_reminded_every_hour_of_what_has_reached_them(desk: Desk) -> None:
    desk.last(2 * HOUR + 2 * MINUTE)
    assert 1 == len(desk.told())  # the ops channel takes nothing: no pile before it
    desk.deliver()
    desk.last(3 * HOUR)
    assert ["source trail: is down.", "source trail: still, since 2026-01-01 00:00 UTC: is down."] == desk.told()
    desk.deliver()
    desk.last(HOUR)
    assert 3 == len(desk.told())


def test_a_kill_in_the_middle_tells_nothing_twice_and_the_end_once(desk: Desk) -> None:
    desk.last(MINUTE)
    for _ in range(3):
        desk.restart()
        desk.last(MINUTE)
    assert 1 == len(desk.told())
    desk.restart()
    desk.troubles.end("source trail")
    desk.wait(OVER_AFTER)
    desk.restart()
    desk.troubles.end("source trail")
    desk.wait(HOUR)
    assert ["source trail: is down.", True] == [desk.told()[0], desk.told()[1].startswith("over ")]
    assert 2 == len(desk.told())


def test_the_episode_and_its_message_are_one_transaction(desk: Desk) -> None:
    """A message without its episode would be told again; an episode without its message never."""
    desk.last(MINUTE)
    (episode,) = desk.ledger.episodes()
    taken = Message("000001", "oncall", MessageKind.OPS, "again", created_at=desk.clock.now())
    with pytest.raises(Exception, match="UNIQUE"):
        desk.ledger.save_episode(replace(episode, over_at=desk.clock.now()), taken)
    with closing(sqlite3.connect(desk.path)) as raw:
        assert [(None,)] == raw.execute("SELECT over_at FROM episodes").fetchall()
    desk.restart()
    second = replace(episode, began_at=desk.clock.now())  # there is an open one
    with pytest.raises(Exception, match="UNIQUE"):
        desk.ledger.save_episode(second, replace(taken, delivery_id="000002"))
    with closing(sqlite3.connect(desk.path)) as raw:
        assert [("000001",)] == raw.execute("SELECT delivery_id FROM messages").fetchall()


def test_flapping_is_one_episode_with_one_end(desk: Desk) -> None:
    """It comes for half a minute, and goes for half a minute, for an hour."""
    desk.deliver()
    for _ in range(59):
        desk.last(30 * SECOND)
        desk.troubles.end("source trail")
        desk.wait(30 * SECOND)
    assert 1 == len(desk.told())
    desk.wait(OVER_AFTER)
    assert 2 == len(desk.told())
    desk.last(SECOND)
    assert 3 == len(desk.told())


def test_what_nothing_complains_of_any_more_is_over_in_the_end(desk: Desk) -> None:
    """Its rule was removed while alertd was down."""
    desk.last(MINUTE)
    desk.restart()
    desk.wait(UNSEEN - MINUTE)
    assert 1 == len(desk.told())
    desk.wait(2 * MINUTE)
    assert 2 == len(desk.told())


def test_a_kind_is_settled_as_a_whole(desk: Desk) -> None:
    desk.troubles.settle("backlog", {"backlog a": "waits", "backlog b": "waits"})
    desk.troubles.begin("source trail", "is down.")
    desk.troubles.settle("backlog", {"backlog b": "waits"})
    assert ["backlog b", "source trail"] == [episode.subject for episode in desk.troubles.open()]


def test_what_a_full_disk_keeps_out_is_offered_past_the_ledger_and_recorded_later(desk: Desk) -> None:
    """Each once: the beginning at once, the end when there is room."""
    desk.fill()
    desk.last(HOUR * 2, LEDGER, LONG)
    (message,) = desk.troubles.unrecorded("oncall")
    assert () == desk.troubles.unrecorded("security")
    desk.troubles.told_past_ledger(message)
    assert () == desk.troubles.unrecorded("oncall")
    desk.troubles.end(LEDGER)
    desk.wait(OVER_AFTER * 2)
    assert [] == desk.told()
    desk.clear()
    desk.wait(MINUTE)
    assert [True] == [text.startswith("over ledger: over since 2026-01-01 02:00 UTC.") for text in desk.told()]
    assert () == desk.troubles.open() + desk.ledger.episodes()


def test_an_end_that_could_not_be_recorded_is_none_if_the_trouble_comes_back(desk: Desk) -> None:
    desk.last(MINUTE, text=LONG)
    desk.troubles.end("source trail")
    desk.fill()
    desk.wait(OVER_AFTER + MINUTE)
    assert () == desk.troubles.unrecorded("oncall")
    desk.last(MINUTE, text=LONG)
    desk.clear()
    desk.last(MINUTE, text=LONG)
    assert [f"source trail: {LONG}"] == desk.told()
    desk.restart()
    assert ["source trail"] == [episode.subject for episode in desk.troubles.open()]


@pytest.mark.parametrize(
    ("since_told", "due"), [(timedelta(0), False), (REMIND - SECOND, False), (REMIND, True), (-HOUR, True)]
)
def test_a_reminder_is_due_after_an_hour_or_when_the_clock_was_put_back(since_told: timedelta, due: bool) -> None:
    now = datetime.fromisoformat("2026-11-24T09:00:00+00:00")
    assert due is is_reminder_due(Episode("x", "y", now - HOUR, now - since_told), now)
