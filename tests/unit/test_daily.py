"""The daily line: when it is due, what it says, and that it is said once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from alertd.ledger.file import create
from alertd.ledger.model import (
    Attempt,
    Episode,
    MatchKind,
    Message,
    MessageKind,
    MessageState,
    NotificationKind,
)
from alertd.ledger.sqlite import SqliteLedger, open_ledger
from alertd.ops.daily import PATIENCE, Daily, Day, Feed, account, bounds, is_due, is_good, last_complete_day, line
from tests.contract.test_ledger import DAY, HOUR, NOW, SECOND, event, match
from tests.simulation.world import Faults, Index, SimulatedClock
from tests.unit.test_silence import happen

TOKYO, STOCKHOLM = ZoneInfo("Asia/Tokyo"), ZoneInfo("Europe/Stockholm")
NINE = time(9)
QUIET = Day(date(2026, 11, 22), 41, 3, 3, 0, 0, 0, 0, 0, 0, timedelta(seconds=41), ())
TROUBLE = Episode("source cloudtrail", "is down", NOW, NOW)


@pytest.mark.parametrize(
    ("now", "zone", "expected"),
    [
        ("2026-11-24T09:00:00", UTC, "2026-11-23"),
        ("2026-11-24T08:59:59", UTC, "2026-11-22"),
        ("2026-11-24T00:00:00", TOKYO, "2026-11-23"),  # nine o'clock there
        ("2026-11-23T23:59:59", TOKYO, "2026-11-22"),
        ("2026-10-25T08:00:00", STOCKHOLM, "2026-10-24"),  # clocks were put back in the night
        ("2026-10-25T07:59:59", STOCKHOLM, "2026-10-23"),
    ],
)
def test_a_day_is_told_from_its_hour_on_in_the_zone_of_the_messages(now: str, zone: ZoneInfo, expected: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert date.fromisoformat(expected) == last_complete_day(moment, NINE, zone)


def test_a_day_has_as_many_hours_as_its_clocks_say() -> None:
    since, until = bounds(date(2026, 10, 25), STOCKHOLM)
    assert (datetime(2026, 10, 24, 22, tzinfo=UTC), 25 * HOUR) == (since, until - since)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("111122223333", "111122223333"), ("11112222", "000011112222"), ("arn:aws:iam::111122223333:root", None)],
)
def test_an_account_is_a_number_with_all_its_zeros(value: str, expected: str | None) -> None:
    assert expected == account(value, 12)
    assert "my-project" == account("my-project", None)


LINES = {
    "2026-11-22: 41 accounts reporting, 3 events, 3 delivered once, 0 open, longest delay 41 s.": {},
    "2026-11-22: 41 accounts reporting, 3 events, 3 delivered once, 0 open, longest delay 41 s, "
    "2 kept silent by exceptions, 12 listed from before their rule.": {"excepted": 2, "listed": 12},
}
WRONG = {
    "accounts unknown, 3 events": {"accounts": None},
    "0 accounts reporting, 3 events": {"accounts": 0},
    "2 delivered once, 1 open, longest": {"once": 2, "open": 1},
    "0 open, 1 open from before, longest": {"open_before": 1},
    "2 delivered once, 1 perhaps repeated, 0 open": {"once": 2, "repeated": 1},
    "2 delivered once, 1 given up, 0 open": {"once": 2, "dead": 1},
    "41 s. Trouble with source cloudtrail, ledger.": {
        "episodes": (TROUBLE, replace(TROUBLE, began_at=NOW + HOUR), replace(TROUBLE, subject="ledger"))
    },
    "Trouble with a0, a1, a2, a3, a4 and 2 more.": {
        "episodes": tuple(replace(TROUBLE, subject=f"a{number}") for number in range(7))
    },
}


@pytest.mark.parametrize(("expected", "changes"), LINES.items())
def test_a_good_day_is_one_line(expected: str, changes: dict[str, int]) -> None:
    told = replace(QUIET, **changes)  # type: ignore[arg-type] # numbers only
    assert (expected, True) == (line(told), is_good(told))


@pytest.mark.parametrize(("expected", "changes"), WRONG.items())
def test_whatever_was_wrong_is_in_the_line_and_makes_it_a_warning(expected: str, changes: dict[str, object]) -> None:
    told = replace(QUIET, **changes)  # type: ignore[arg-type]
    assert expected in line(told)
    assert not is_good(told)


@dataclass(slots=True)
class Desk:
    path: Path
    clock: SimulatedClock
    index: Index
    ledger: SqliteLedger

    def daily(self) -> Daily:
        """As after a start."""
        feed = Feed("trail-*", ("eventTime",), ("recipientAccountId",), 12)
        return Daily(NINE, ZoneInfo("UTC"), [feed], lambda: self.index, self.ledger, self.clock, self._message)

    def restart(self) -> None:
        self.ledger.close()
        self.ledger = open_ledger(self.path, now=self.clock.now())

    def told(self) -> list[str]:
        return [message.payload for message in self.ledger.messages("oncall", MessageState.PENDING)]

    def send(self, *, ago: timedelta) -> None:
        """All that waits, some time after it was seen."""
        notes = self.ledger.waiting("security", NotificationKind.MESSAGE, limit=9)
        message = Message(f"d{notes[0].id}", "security", MessageKind.DIGEST, "{}", self.clock.now())
        self.ledger.freeze(message, [note.id for note in notes])
        sending = replace(message, state=MessageState.SENDING, attempts=1, attempted_at=self.clock.now())
        self.ledger.save(sending, was=MessageState.PENDING, attempt=Attempt(message.delivery_id, 1, self.clock.now()))
        sent = replace(sending, state=MessageState.SENT, sent_at=self.clock.now() - ago)
        self.ledger.save(sent, was=MessageState.SENDING)

    def _message(self, text: str, good: bool) -> Message:
        count = len(self.told())
        return Message(f"o{count}", "oncall", MessageKind.OPS, f"{'✅' if good else '⚠'} {text}", self.clock.now())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    clock = SimulatedClock(NOW)  # nine o'clock
    create(tmp_path / "alertd.db", now=NOW)
    index = Index(clock, Faults(Random(1), crash=0, search=0))
    desk = Desk(tmp_path / "alertd.db", clock, index, open_ledger(tmp_path / "alertd.db", now=NOW))
    yield desk
    desk.ledger.close()


def test_a_day_is_told_once_however_often_alertd_starts(desk: Desk) -> None:
    """The first start tells nothing: of the days before it knows nothing."""
    happen(desk.index)
    desk.daily().look()
    assert [] == desk.told()
    for _ in range(3 * 24):
        desk.clock.advance(HOUR)
        desk.restart()
        daily = desk.daily()
        daily.look()
        daily.look()
    assert ["✅ 2026-11-24", "✅ 2026-11-25", "✅ 2026-11-26"] == [text.partition(":")[0] for text in desk.told()]


@pytest.mark.parametrize("ahead", [10 * DAY, 400 * DAY])
@pytest.mark.parametrize("days", [1, 3])
def test_a_clock_that_was_ahead_silences_no_day_and_repeats_none(desk: Desk, ahead: timedelta, days: int) -> None:
    happen(desk.index)
    daily = desk.daily()
    daily.look()
    desk.clock.advance(DAY)
    daily.look()
    desk.clock.offset = ahead
    for _ in range(days):
        daily.look()
        desk.clock.advance(DAY)
    desk.clock.offset = timedelta(0)
    before = len(desk.told())
    assert 1 + days == before
    for _ in range(3):
        daily.look()
        desk.restart()
        daily = desk.daily()
        daily.look()
        desk.clock.advance(DAY)
    told = [text.split()[1].rstrip(":") for text in desk.told()]
    assert [f"{date(2026, 11, 24) + (days + number) * DAY}" for number in range(3)] == told[before:]
    assert len(set(told)) == len(told)


def test_a_day_that_was_told_is_not_told_again_where_the_clock_was_ahead_in_between() -> None:
    day = date(2026, 11, 24)
    assert not is_due(day, [day, day + 10 * DAY], today=day + DAY)
    assert is_due(day + DAY, [day, day + 10 * DAY], today=day + 2 * DAY)
    assert not is_due(day - DAY, [day], today=day + DAY)


def test_of_the_days_that_alertd_was_down_only_the_last_is_told(desk: Desk) -> None:
    happen(desk.index)
    desk.daily().look()
    desk.clock.advance(5 * DAY + HOUR)
    desk.daily().look()
    assert ["✅ 2026-11-28"] == [text.partition(":")[0] for text in desk.told()]


def test_the_line_counts_what_the_ledger_has_of_that_day(desk: Desk) -> None:
    happen(desk.index)
    desk.daily().look()
    noon = NOW + 3 * HOUR
    desk.clock.advance(3 * HOUR)
    desk.ledger.record([match(1, at=noon), match(2, at=noon)], now=noon)
    desk.clock.advance(41 * SECOND)
    desk.send(ago=timedelta(0))
    excepted = replace(match(3), kind=MatchKind.EXCEPTED, exception="a job", event=event(3))
    desk.ledger.record([excepted, match(4, kind=MatchKind.BASELINE)], now=noon)
    desk.clock.advance(DAY - 3 * HOUR)
    desk.ledger.record([match(5)], now=desk.clock.now())  # today's
    desk.daily().look()
    (told,) = desk.told()
    assert told == (
        "✅ 2026-11-24: 1 account reporting, 2 events, 2 delivered once, 0 open, longest delay 41 s, "
        "1 kept silent by exceptions, 1 listed from before their rule."
    )


def test_what_is_not_told_yet_makes_each_line_a_warning_until_it_is(desk: Desk) -> None:
    happen(desk.index)
    desk.daily().look()
    desk.ledger.record([match(1)], now=NOW + HOUR)
    for _ in range(2):
        desk.clock.advance(DAY)
        desk.daily().look()
    desk.send(ago=timedelta(0))
    desk.clock.advance(DAY)
    desk.daily().look()
    assert [
        "⚠ 2026-11-24: 1 account reporting, 1 event, 0 delivered once, 1 open.",
        "⚠ 2026-11-25: 1 account reporting, 0 events, 0 delivered once, 0 open, 1 open from before.",
        "✅ 2026-11-26: 1 account reporting, 0 events, 0 delivered once, 0 open.",
    ] == desk.told()


def test_a_trouble_of_the_day_is_named_and_one_of_another_day_is_not(desk: Desk) -> None:
    happen(desk.index)
    desk.daily().look()
    over = replace(TROUBLE, subject="ledger", began_at=NOW, over_at=NOW + HOUR)
    desk.ledger.save_episode(over)
    desk.ledger.save_episode(replace(TROUBLE, began_at=NOW + DAY))
    desk.clock.advance(DAY + SECOND)
    desk.daily().look()
    desk.clock.advance(DAY)
    desk.daily().look()
    assert [" Trouble with ledger.", " Trouble with source cloudtrail."] == [
        text.rpartition("open.")[2] for text in desk.told()
    ]


def test_without_the_search_server_the_line_comes_later_and_says_so(desk: Desk) -> None:
    happen(desk.index)
    desk.daily().look()
    desk.clock.advance(DAY)
    desk.index.down_until = desk.clock.true + DAY
    daily = desk.daily()
    daily.look()
    desk.clock.advance(PATIENCE - SECOND)
    daily.look()
    assert [] == desk.told()
    desk.clock.advance(SECOND)
    daily.look()
    daily.look()
    assert ["⚠ 2026-11-24: accounts unknown, 0 events, 0 delivered once, 0 open."] == desk.told()
