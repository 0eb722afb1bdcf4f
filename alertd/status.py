"""What the ledger says about how things stand: for `alertd status` and `alertd explain`. Reads only."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alertd.event.event import Event
from alertd.ledger import rows
from alertd.ledger.model import Attempt, DestinationCondition, DestinationState, Message
from alertd.ledger.sqlite import SqliteLedger
from alertd.ops.backlog import alerts_for_nobody, searched_by_nobody
from alertd.ops.life import Life, is_silent

DAY = timedelta(days=1)
# A scan may be slow, or fail a few times in a row, before anybody need be woken.
LATE_SCAN = timedelta(minutes=5)
# A later moment was noted by a clock that was ahead: it proves nothing of now.
FUTURE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RuleSetStatus:
    name: str
    last_scan: datetime | None
    covered_from: datetime | None
    covered_until: datetime | None
    look_back: timedelta | None  # of the last complete sweep
    gaps: tuple[tuple[datetime, datetime], ...]
    new: int  # alerts in the last 24 hours
    open: int  # notifications not yet sent


@dataclass(frozen=True, slots=True)
class DestinationStatus:
    state: DestinationState
    queue: int  # notifications that wait, and messages on their way
    unknown: int
    oldest: datetime | None
    oldest_open: datetime | None  # the same without what is in doubt
    oldest_unknown: datetime | None  # made, of what is in doubt: however often that was sent and doubted
    last_sent: datetime | None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what is well may take."""

    scan: timedelta
    delivery: timedelta
    doubt: timedelta  # of a send: until it is settled by reading the channel


@dataclass(frozen=True, slots=True)
class Told:
    """What one rule set made of an event for one destination."""

    rule_set: str
    rule: str
    kind: str  # alert, baseline or excepted
    exception: str | None
    also: tuple[str, ...]
    seen_at: datetime
    destination: str | None
    notification: str | None
    closed: bool
    message: Message | None
    attempts: tuple[Attempt, ...]
    replays: tuple[Message, ...] = ()  # that told it again at an operator's word


def rule_sets(ledger: SqliteLedger, now: datetime) -> tuple[RuleSetStatus, ...]:
    return tuple(
        RuleSetStatus(
            name=row["rule_set"],
            last_scan=rows.maybe_from_micros(row["last_scan"]),
            covered_from=rows.maybe_from_micros(row["covered_from"]),
            covered_until=rows.maybe_from_micros(row["covered_until"]),
            look_back=timedelta(microseconds=row["reach"]) if row["reach"] else None,
            gaps=tuple(
                (rows.from_micros(gap["began"]), rows.from_micros(gap["ended"]))
                for gap in ledger.read("gaps", rule_set=row["rule_set"])
            ),
            new=row["new"],
            open=row["open"],
        )
        for row in ledger.read("rule_set_overview", since=rows.to_micros(now - DAY))
    )


def destinations(ledger: SqliteLedger) -> tuple[DestinationStatus, ...]:
    names = [row["name"] for row in ledger.read("destination_names")]
    return tuple(_destination(ledger, name) for name in names)


def gone(ledger: SqliteLedger, configured: Collection[str]) -> dict[str, str]:
    """Destinations that the configuration lacks although something waits for them → what to say."""
    return {
        each.state.name: alerts_for_nobody(each.state.name, each.queue + each.unknown)
        for each in destinations(ledger)
        if each.state.name not in configured and each.queue + each.unknown
    }


def unsearched(ledger: SqliteLedger, searched: Collection[str]) -> dict[str, str]:
    """Rule sets that ran once and are not searched any more → what to say."""
    names = [row["rule_set"] for row in ledger.read("rule_set_names")]
    return {name: searched_by_nobody(name) for name in names if name not in searched}


def unready(
    sign: Life | None,
    sets: Sequence[RuleSetStatus],
    places: Sequence[DestinationStatus],
    *,
    patience: Patience,
    now: datetime,
) -> list[str]:
    """Why alertd does not do its work, as far as the ledger tells. None: it does."""
    if sign is None:
        return [_without_sign(sets)]
    found = []
    if is_silent(sign, now=now):
        found.append(f"no sign of life since {sign.at:%Y-%m-%d %H:%M} UTC")
    found += [f"{name} has completed nothing for long" for name in sign.late]
    scans = {each.name: each.last_scan for each in sets}
    for name in sign.rule_sets:
        last = scans.get(name)
        if last is None:
            found.append(f"{name} was never searched to the end")
        elif last > now + FUTURE:
            found.append(
                f"{name} was last searched in the future, by a clock that was ahead: {last:%Y-%m-%d %H:%M} UTC"
            )
        elif now - last >= patience.scan:
            found.append(f"{name} was not searched since {last:%Y-%m-%d %H:%M} UTC")
    for each in places:
        found += _undelivered(each, patience, now=now)
    return found


def _without_sign(sets: Sequence[RuleSetStatus]) -> str:
    """The first sign comes after some seconds, and none from run --once."""
    searched = [each.last_scan for each in sets if each.last_scan]
    if not searched:
        return "it never ran with this ledger"
    return f"it ran with this ledger by run --once only, or for seconds: last at {max(searched):%Y-%m-%d %H:%M} UTC"


def _undelivered(each: DestinationStatus, patience: Patience, *, now: datetime) -> Iterator[str]:
    if each.state.condition is DestinationCondition.BLOCKED and each.queue:
        yield f"{each.state.name} refuses messages, and {each.queue} wait"
    elif each.oldest_open and now - each.oldest_open >= patience.delivery:
        yield f"for {each.state.name} {each.queue} wait, since {each.oldest_open:%Y-%m-%d %H:%M} UTC"
    # where the configuration has no such destination, nothing settles it
    if each.oldest_unknown and now - each.oldest_unknown >= patience.doubt:
        since = f"{each.oldest_unknown:%Y-%m-%d %H:%M} UTC"
        yield f"for {each.state.name} {each.unknown} are in doubt, since {since}"


def event_count(ledger: SqliteLedger) -> int:
    return int(ledger.read("event_count")[0]["events"])


def life(ledger: SqliteLedger, event: Event) -> tuple[Told, ...]:
    return tuple(
        Told(
            rule_set=row["rule_set"],
            rule=row["rule"],
            kind=row["match_kind"],
            exception=row["exception"],
            also=tuple(json.loads(row["also"])),
            seen_at=rows.from_micros(row["seen_at"]),
            destination=row["destination"],
            notification=row["kind"],
            closed=bool(row["closed"]),
            message=ledger.message(row["delivery_id"]) if row["delivery_id"] else None,
            attempts=ledger.attempts(row["delivery_id"]) if row["delivery_id"] else (),
            replays=tuple(rows.message(each) for each in ledger.read("replays_of", delivery_id=row["delivery_id"])),
        )
        for row in ledger.read("life", event_key=event.key)
    )


def _destination(ledger: SqliteLedger, name: str) -> DestinationStatus:
    row = ledger.read("destination_overview", name=name)[0]
    oldest = [moment for moment in (row["oldest_waiting"], row["oldest_message"]) if moment is not None]
    return DestinationStatus(
        state=ledger.destination(name),
        queue=row["waiting"] + row["pending"],
        unknown=row["unknown"],
        oldest=rows.from_micros(min(oldest)) if oldest else None,
        oldest_unknown=rows.maybe_from_micros(row["oldest_unknown"]),
        oldest_open=rows.maybe_from_micros(ledger.read("oldest_waiting", destination=name)[0]["since"]),
        last_sent=rows.maybe_from_micros(row["last_sent"]),
    )
