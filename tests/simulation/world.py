"""The world around poll and deliver, made of one seed: time, an index and two channels, with every fault they have."""

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from alertd.destination import (
    DestinationRefused,
    Finding,
    Guarantee,
    History,
    NotSent,
    Outcome,
    PayloadRefused,
    Posted,
    Reader,
    Sent,
    Throttled,
    Unknown,
)
from alertd.destination import Shown as ReadBack
from alertd.errors import PartialError, RetryError
from alertd.search import Hit, Search, Server

START = datetime(2026, 1, 1, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RETENTION = 40 * DAY
# A post that nobody confirmed may arrive this late: before the last look for copies.
LATEST_POST = 30 * MINUTE
LONGEST_READ_LAG = 100 * SECOND


class CrashError(BaseException):
    """The process dies here. Not an Exception: nothing in alertd may survive it."""


@dataclass(slots=True)
class Faults:
    """What goes wrong, and how often. `stop` ends all of it."""

    random: random.Random
    crash: float = 0.002
    search: float = 0.03
    post: float = 0.25
    read: float = 0.1
    crashes: int = 0

    def point(self) -> None:
        if self.random.random() < self.crash:
            self.crashes += 1
            raise CrashError

    def strikes(self, chance: float) -> bool:
        return self.random.random() < chance

    def stop(self) -> None:
        self.crash = self.search = self.post = self.read = 0


@dataclass(slots=True)
class SimulatedClock:
    """True time, and a wall clock that is wrong by `offset`."""

    true: datetime = START
    offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.true + self.offset

    def elapsed_seconds(self) -> float:
        return (self.true - START).total_seconds()

    def advance(self, by: timedelta) -> None:
        self.true += by


@dataclass(frozen=True, slots=True)
class Document:
    index: str
    id: str
    event_id: str
    time: datetime
    searchable: datetime
    root: bool
    version: int = 1

    @property
    def source(self) -> dict[str, object]:
        return {
            "eventID": self.event_id,
            "recipientAccountId": "111122223333",
            "eventTime": self.time.isoformat(),
            "eventName": "ConsoleLogin",
            "userIdentity": {"type": "Root" if self.root else "IAMUser"},
        }


@dataclass(slots=True)
class Index:
    """Answers the queries that alertd writes, by the server's own clock. Knows nothing else of alertd."""

    clock: SimulatedClock
    faults: Faults
    documents: list[Document] = field(default_factory=list)
    down_until: datetime = START
    ahead: timedelta = timedelta(0)  # of its own clock

    def server(self) -> Server:
        return Server("opensearch", "3.0.0", "simulated")

    def server_time(self, index: str | None = None, field: str = "@timestamp") -> datetime | None:
        self.faults.point()
        if self.clock.true < self.down_until:
            raise RetryError("the simulated server is down")
        return self.clock.true + self.ahead

    def field_types(self, index: str, fields: tuple[str, ...]) -> Mapping[str, frozenset[str]]:
        return {name: frozenset({"keyword"}) for name in fields}

    def more_than(self, index: str, query: Mapping[str, object], number: int) -> bool:
        found = self.pages(Search(index, query, (), 1_000, timedelta(seconds=30)))
        return sum(len(page) for page in found) > number

    def indices(self, index: str) -> tuple[str, ...]:
        return ("trail-0",)

    def newest(self, index: str, field: str) -> datetime | None:
        self._answers()
        times = [each.time for each in self.documents if max(each.searchable, each.time) <= self.clock.true]
        return max(times, default=None)

    def distinct(self, index: str, query: Mapping[str, object], fields: tuple[str, ...]) -> frozenset[str]:
        self._answers()
        return frozenset({"111122223333"} if self.documents else ())

    def validate(self, index: str, query: Mapping[str, object]) -> str | None:
        self._answers()
        return None

    def close(self) -> None: ...

    def pages(self, search: Search) -> Iterator[tuple[Hit, ...]]:
        self._answers()
        found = []
        for document in self.documents:
            if document.searchable > self.clock.true:
                continue
            names: list[str] = []
            if self._matches(document, search.query, names):
                found.append(Hit(document.index, document.id, document.source, {}, tuple(names), document.version))
        self.faults.random.shuffle(found)
        for start in range(0, max(1, len(found)), search.page_size):
            if start:
                self._answers()  # a point in time may be lost midway
            self.faults.point()
            yield tuple(found[start : start + search.page_size])

    def paged(self, search: Search) -> Iterator[tuple[Hit, ...]]:
        return self.pages(search)

    def first_page(self, search: Search) -> tuple[Hit, ...]:
        return next(self.pages(search), ())

    def _answers(self) -> None:
        self.faults.point()
        if self.clock.true < self.down_until:
            raise RetryError("the simulated server is down")
        if self.faults.strikes(self.faults.search):
            raise RetryError("no answer") if self.faults.strikes(0.5) else PartialError("a shard failed")

    def _matches(self, document: Document, query: Mapping[str, Any], names: list[str]) -> bool:
        [(kind, body)] = query.items()
        if kind == "bool":
            return self._bool(document, body, names)
        if kind == "range":
            [(_, limit)] = body.items()
            reach = timedelta(seconds=int(limit["gte"].removeprefix("now-").removesuffix("s")))
            return document.time >= self.clock.true + self.ahead - reach
        if kind == "ids":
            return document.id in body["values"]
        if kind == "term":
            return body == {"userIdentity.type": "Root"} and document.root
        if kind in {"exists", "match_all"}:
            return True
        if kind == "constant_score":
            if matched := self._matches(document, body["filter"], names):
                names.append(body["_name"])
            return matched
        raise AssertionError(f"the simulated index does not know {kind}")

    def _bool(self, document: Document, body: Mapping[str, Any], names: list[str]) -> bool:
        if not all(self._matches(document, clause, names) for clause in body.get("filter", ())):
            return False
        if any(self._matches(document, clause, []) for clause in body.get("must_not", ())):
            return False
        should = [self._matches(document, clause, names) for clause in body.get("should", ())]
        return not should or any(should)


@dataclass(frozen=True, slots=True)
class Shown:
    """A message in a channel."""

    ts: str
    delivery_id: str
    payload: str
    arrived: datetime
    readable_from: datetime


@dataclass(slots=True)
class Channel:
    """A channel as Slack keeps it. A webhook has no reader and tells no ts."""

    name: str
    clock: SimulatedClock
    faults: Faults
    with_reader: bool
    shown: list[Shown] = field(default_factory=list)
    doubtful: set[str] = field(default_factory=set)  # deliveries of which alertd could not know
    posted: int = 0
    refused_until: datetime = START
    unreadable_until: datetime = START
    silent_until: datetime = START

    @property
    def reader(self) -> Reader | None:
        return self if self.with_reader else None

    @property
    def guarantee(self) -> Guarantee:
        return Guarantee.EXACTLY_ONCE if self.with_reader else Guarantee.REPEATS_MARKED

    @property
    def threads(self) -> bool:
        return self.with_reader

    def check(self) -> tuple[str, ...]:
        return ()

    def post(self, payload: str, *, delivery_id: str, thread_ts: str | None) -> Outcome:
        try:
            outcome = self._answer(payload, delivery_id)
        except CrashError:
            self.doubtful.add(delivery_id)
            raise
        if isinstance(outcome, Unknown):
            self.doubtful.add(delivery_id)
        return outcome

    def _answer(self, payload: str, delivery_id: str) -> Outcome:
        self.faults.point()
        if self.clock.true < self.refused_until:
            return DestinationRefused("is_archived")
        if self.clock.true < self.silent_until:
            return NotSent("no connection")
        if self.faults.strikes(self.faults.post):
            return self._fault(payload, delivery_id)
        ts = self._arrive(payload, delivery_id, timedelta(0))
        self.faults.point()
        return Sent("C1", ts) if self.with_reader else Sent()

    def _fault(self, payload: str, delivery_id: str) -> Outcome:
        dice = self.faults.random
        late = dice.choice([None, timedelta(0), dice.random() * LATEST_POST])
        if dice.random() < 0.5:
            if late is not None:
                self._arrive(payload, delivery_id, late)
            return Unknown("no answer")
        refusals = (NotSent("refused"), Throttled(dice.randrange(1, 60) * SECOND, "429"), PayloadRefused("blocks"))
        return dice.choice(refusals)

    def introduce(self) -> None:
        pass

    def find(self, wanted: Mapping[str, str | None], *, since: datetime) -> Finding:
        self._readable()
        # a reader compares Slack's clock with ours: it never reads from later than it was told
        oldest = since - max(self.clock.offset, timedelta(0))
        copies = {
            name: tuple(Posted("C1", m.ts) for m in self.visible() if m.delivery_id == name and m.arrived >= oldest)
            for name in wanted
        }
        return Finding({name: found for name, found in copies.items() if found})

    def history(self, *, since: datetime, threads: Collection[str]) -> History:
        self._readable()
        messages = [message for message in self.visible() if message.arrived >= since]
        return History("C1", tuple(ReadBack(m.delivery_id, Posted("C1", m.ts), m.payload) for m in messages))

    def delete(self, posted: Posted) -> None:
        self._readable()
        self.shown = [message for message in self.shown if message.ts != posted.ts]

    def permalink(self, posted: Posted) -> str | None:
        return None

    def visible(self) -> list[Shown]:
        return [message for message in self.shown if message.readable_from <= self.clock.true]

    def _readable(self) -> None:
        self.faults.point()
        if self.clock.true < self.unreadable_until or self.faults.strikes(self.faults.read):
            raise RetryError("the history cannot be read")

    def _arrive(self, payload: str, delivery_id: str, after: timedelta) -> str:
        self.posted += 1
        arrived = self.clock.true + after
        lag = self.faults.random.random() * LONGEST_READ_LAG if self.faults.post else timedelta(0)
        ts = f"{(arrived - START).total_seconds():.3f}{self.posted:06d}"
        self.shown.append(Shown(ts, delivery_id, payload, arrived, arrived + lag))
        self.shown.sort(key=lambda message: message.arrived)
        return ts


def event_id(number: int) -> str:
    return f"3fcfb182-98f8-4744-bd45-{number:012x}"


def happen(dice: random.Random, now: datetime, number: int) -> Sequence[Document]:
    """One act in the trail: root's or not, on time or up to 30 days late, sometimes twice."""
    late = dice.choice([SECOND, MINUTE, 10 * MINUTE, HOUR, DAY, 30 * DAY]) * dice.random()
    first = Document("trail-0", f"d{number}", event_id(number), now, now + late, dice.random() < 0.6)
    if dice.random() < 0.15:
        copied = replace(first, index="trail-1", id=f"copy{number}", searchable=first.searchable + DAY * dice.random())
        return (first, copied)
    return (first,)
