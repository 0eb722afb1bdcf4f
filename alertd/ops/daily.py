"""One line a day to the ops channel: that alertd lives, what it told, and whether anything was wrong.

The last days told are in the ledger, in one transaction with the message: once a day, however often alertd starts.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from alertd.clock import Clock
from alertd.errors import PartialError, PermanentError, RetryError
from alertd.ledger import rows
from alertd.ledger.model import Episode, Message
from alertd.ledger.sqlite import SqliteLedger
from alertd.message.moment import span
from alertd.message.words import counted
from alertd.search import SearchClient

LAST_TOLD = "daily_told"
# A clock that was ahead told days of the future: those told before are still known when it is put right.
KEPT = 3
# A search server that is down at the hour gets this long to count the accounts; then the line goes without them.
PATIENCE = timedelta(minutes=30)
MOST_TROUBLES = 5

_log = structlog.get_logger("alertd.daily")


@dataclass(frozen=True, slots=True)
class Feed:
    """Where a source's documents name their account."""

    index: str
    time_fields: tuple[str, ...]
    account_fields: tuple[str, ...]
    digits: int | None  # of an account's number: what is longer, or no number, is something else


@dataclass(frozen=True, slots=True)
class Day:
    """What there is to tell of one day."""

    day: date
    accounts: int | None  # that any document of the day names; None: the search server did not tell
    alerts: int  # events that were first seen on that day
    once: int
    repeated: int
    dead: int  # given up by an operator
    open: int
    open_before: int  # of earlier days
    listed: int  # from before their rule
    excepted: int
    delay: timedelta | None  # the longest, from an event to its message
    episodes: tuple[Episode, ...]


@dataclass(slots=True)
class Daily:
    """Looks once a minute whether a day is to be told."""

    at: time
    zone: ZoneInfo
    feeds: Sequence[Feed]
    connect: Callable[[], SearchClient]
    ledger: SqliteLedger
    clock: Clock
    message: Callable[[str, bool], Message]
    _wait_seconds: dict[date, float] = field(default_factory=dict)  # day → since when its accounts could not be counted

    def look(self) -> None:
        now = self.clock.now()
        day = last_complete_day(now, self.at, self.zone)
        told = self._told()
        if not told:
            # the first start: alertd knows nothing of the days before
            self.ledger.remember(LAST_TOLD, day.isoformat())
        elif is_due(day, told, today=now.astimezone(self.zone).date()):
            self._tell(day, told)

    def _told(self) -> list[date]:
        """The last of them, in the order in which they were told."""
        return [date.fromisoformat(each) for each in (self.ledger.remembered(LAST_TOLD) or "").split()]

    def _tell(self, day: date, before: Sequence[date]) -> None:
        since, until = bounds(day, self.zone)
        try:
            accounts = len(self._accounts(since, until))
        except (RetryError, PermanentError, PartialError) as error:
            _log.warning("accounts_unknown", day=day.isoformat(), reason=str(error))
            began = self._wait_seconds.setdefault(day, self.clock.elapsed_seconds())
            if self.clock.elapsed_seconds() - began < PATIENCE.total_seconds():
                return
            accounts = None
        told = self._read(day, accounts, since, until)
        last = " ".join(each.isoformat() for each in [*before, day][-KEPT:])
        self.ledger.remember(LAST_TOLD, last, self.message(line(told), is_good(told)))
        self._wait_seconds.clear()
        _log.info("day_told", day=day.isoformat(), text=line(told))

    def _accounts(self, since: datetime, until: datetime) -> frozenset[str]:
        found: set[str] = set()
        with closing(self.connect()) as client:
            for feed in self.feeds:
                values = client.distinct(feed.index, within(feed.time_fields, since, until), feed.account_fields)
                found |= {number for value in values if (number := account(value, feed.digits))}
        return frozenset(found)

    def _read(self, day: date, accounts: int | None, since: datetime, until: datetime) -> Day:
        limits = {"since": rows.to_micros(since), "until": rows.to_micros(until)}
        events = self.ledger.read("day_events", **limits)[0]
        told = self.ledger.read("day_deliveries", **limits)[0]
        waiting = self.ledger.read("day_open", until=limits["since"])[0]
        return Day(
            day=day,
            accounts=accounts,
            alerts=events["alerts"],
            once=told["once"],
            repeated=told["repeated"],
            dead=told["dead"],
            open=told["open"],
            open_before=waiting["open"],
            listed=events["listed"],
            excepted=events["excepted"],
            delay=None if told["delay"] is None else timedelta(microseconds=told["delay"]),
            episodes=tuple(rows.episode(row) for row in self.ledger.read("day_episodes", **limits)),
        )


def last_complete_day(now: datetime, at: time, zone: ZoneInfo) -> date:
    """The day before, from its hour on; until then the one before that. A missed one is not made up for."""
    there = now.astimezone(zone)
    return there.date() - timedelta(days=1 if there.time() >= at else 2)


def is_due(day: date, told: Sequence[date], *, today: date) -> bool:
    """A day that was not over was told by a clock that was ahead, and silences no other."""
    return day not in told and all(day > each for each in told if each < today)


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """In UTC: a day has 23 or 25 hours where clocks are changed."""
    begin, end = (datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, day + timedelta(days=1)))
    return begin, end


def within(time_fields: tuple[str, ...], since: datetime, until: datetime) -> dict[str, object]:
    limits = {"gte": since.isoformat(), "lt": until.isoformat(), "format": "strict_date_optional_time"}
    return {"bool": {"filter": [{"bool": {"should": [{"range": {name: limits}} for name in time_fields]}}]}}


def account(value: str, digits: int | None) -> str | None:
    """The account that a value names. A number lost its leading zeros; an ARN, where no account stands, is none."""
    if digits is None:
        return value or None
    return value.zfill(digits) if value.isdecimal() and len(value) <= digits else None


def is_good(told: Day) -> bool:
    return bool(told.accounts) and not (told.open or told.open_before or told.repeated or told.dead or told.episodes)


def line(told: Day) -> str:
    accounts = "accounts unknown" if told.accounts is None else f"{counted(told.accounts, 'account')} reporting"
    parts = [
        accounts,
        counted(told.alerts, "event"),
        f"{told.once} delivered once",
        *([f"{told.repeated} perhaps repeated"] if told.repeated else []),
        *([f"{told.dead} given up"] if told.dead else []),
        f"{told.open} open",
        *([f"{told.open_before} open from before"] if told.open_before else []),
        *([f"longest delay {span(told.delay)}"] if told.delay is not None else []),
        *([f"{told.excepted} kept silent by exceptions"] if told.excepted else []),
        *([f"{told.listed} listed from before their rule"] if told.listed else []),
    ]
    return f"{told.day:%Y-%m-%d}: {', '.join(parts)}.{_troubles(told.episodes)}"


def _troubles(episodes: Sequence[Episode]) -> str:
    if not episodes:
        return ""
    subjects = list(dict.fromkeys(episode.subject for episode in episodes))
    more = f" and {len(subjects) - MOST_TROUBLES} more" if len(subjects) > MOST_TROUBLES else ""
    return f" Trouble with {', '.join(subjects[:MOST_TROUBLES])}{more}."
