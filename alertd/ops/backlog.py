"""What the ledger knows to be wrong although nothing failed: what waits for long, and what was not searched."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alertd.clock import Clock
from alertd.ledger import rows
from alertd.ledger.sqlite import SqliteLedger
from alertd.ops.trouble import Troubles

# The channel of a send in doubt is read for longer than this only where reading fails.
UNKNOWN_FOR_LONG = timedelta(minutes=10)
# Longer than any scan takes, shorter than the watchdog waits before it ends alertd.
STALLED = timedelta(minutes=10)
MISSED_SCANS = 3
# A later moment was noted by a clock that was ahead, and proves nothing.
AHEAD = timedelta(minutes=1)
# Gaps that are named; the rest are counted.
MOST_GAPS = 3

Gap = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits, or is in doubt, for a destination."""

    number: int
    since: datetime | None


@dataclass(slots=True)
class Backlog:
    """Looks into the ledger every half minute. A trouble that this tells of ends by itself."""

    ledger: SqliteLedger
    clock: Clock
    troubles: Troubles
    destinations: Sequence[str]
    rule_sets: Mapping[str, tuple[str, timedelta]]  # → its source and how often that is searched
    after: timedelta
    _started_seconds: float = field(init=False)

    def __post_init__(self) -> None:
        self._started_seconds = self.clock.elapsed_seconds()

    def look(self) -> None:
        now = self.clock.now()
        self.troubles.settle("backlog", dict(self._waiting(now)))
        self.troubles.settle("gone", dict(self._gone()))
        self.troubles.settle("coverage", dict(self._gaps()))
        self.troubles.settle("stalled", dict(self._stalled(now)))
        for name in self.destinations:
            if what := doubtful(self._queue("oldest_unknown", name), now=now):
                # ended by deliver, which knows when the last doubt is settled
                self.troubles.begin(f"destination {name} unknown sends", what)

    def _gone(self) -> Iterator[tuple[str, str]]:
        """Never over by itself: a person decides."""
        for row in self.ledger.read("destination_names"):
            name = row["name"]
            if name not in self.destinations:
                left = self._queue("oldest_waiting", name).number + self._queue("oldest_unknown", name).number
                if left:
                    yield f"gone {name}", alerts_for_nobody(name, left)
        for row in self.ledger.read("rule_set_names"):
            name = row["rule_set"]
            if name not in self.rule_sets:
                yield f"gone rule set {name}", searched_by_nobody(name)

    def _waiting(self, now: datetime) -> Iterator[tuple[str, str]]:
        for name in self.destinations:
            if what := late(self._queue("oldest_waiting", name), self.after, now=now):
                yield f"backlog {name}", what

    def _gaps(self) -> Iterator[tuple[str, str]]:
        for rule_set in self.rule_sets:
            found = self.ledger.read("gaps", rule_set=rule_set)
            if found:
                gaps = [(rows.from_micros(row["began"]), rows.from_micros(row["ended"])) for row in found]
                yield f"coverage {rule_set}", uncovered(gaps)

    def _stalled(self, now: datetime) -> Iterator[tuple[str, str]]:
        # where the server does not answer, people have heard of that
        failing = {episode.subject for episode in self.troubles.open()}
        started = now - timedelta(seconds=self.clock.elapsed_seconds() - self._started_seconds)
        for rule_set, (source, interval) in self.rule_sets.items():
            last = rows.maybe_from_micros(self.ledger.read("last_scan", rule_set=rule_set)[0]["finished_at"])
            what = stalled(last, interval, started=started, now=now)
            if what and f"source {source}" not in failing:
                yield f"stalled {rule_set}", what

    def _queue(self, query: str, name: str) -> Queue:
        row = self.ledger.read(query, destination=name)[0]
        return Queue(row["number"] or 0, rows.maybe_from_micros(row["since"]))


def late(queue: Queue, after: timedelta, *, now: datetime) -> str | None:
    if queue.since is None or now - queue.since < after:
        return None
    return (
        f"{queue.number} wait to be sent, the oldest since {_shown(queue.since)}. They are kept and sent when it is "
        "possible: alertd status tells what is in the way."
    )


def alerts_for_nobody(name: str, number: int) -> str:
    return (
        f"{number} wait for the destination {name}, which alertd.toml does not have. They are kept until a person "
        f"decides: name it again, or stop alertd and alertd retry --from {name} --to ANOTHER, or --give-up."
    )


def searched_by_nobody(name: str) -> str:
    return (
        f"the rule set {name} is in the ledger and in no rule file: nothing searches for what it alerted on. What was "
        f"found is told. Put its file back; or, if it was removed for good, stop alertd and alertd retry --from {name} "
        "--give-up."
    )


def doubtful(queue: Queue, *, now: datetime) -> str | None:
    if queue.since is None or now - queue.since < UNKNOWN_FOR_LONG:
        return None
    return (
        f"{queue.number} sends without an answer, the oldest since {_shown(queue.since)}, and the channel does "
        "not tell whether they arrived. Look into the channel, and into alertd status."
    )


def stalled(last: datetime | None, interval: timedelta, *, started: datetime, now: datetime) -> str | None:
    """Nobody could scan while alertd was down: that is not counted."""
    if last and last > now + AHEAD:
        last = None
    if now - max(last or started, started) < max(STALLED, interval * MISSED_SCANS):
        return None
    since = _shown(last) if last else "alertd first ran it"
    return f"no complete search since {since}. Nothing is lost: it will catch up. Look into alertd's log."


def uncovered(gaps: Sequence[Gap]) -> str:
    """Newest first."""
    named = ", ".join(f"{_shown(began)} to {_shown(ended)}" for began, ended in gaps[:MOST_GAPS])
    more = f" and {len(gaps) - MOST_GAPS} more" if len(gaps) > MOST_GAPS else ""
    return (
        f"no search reached {named}{more}. The next sweep looks again; until it is done, events there may be missing."
    )


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
