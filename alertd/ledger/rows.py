"""Rows of the ledger ↔ values. Times are whole microseconds, so that what is stored compares as it was."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta

from alertd.event.event import Event, event_from_json, event_to_json
from alertd.ledger.model import (
    Attempt,
    DestinationCondition,
    DestinationState,
    Episode,
    Match,
    Message,
    MessageKind,
    MessageState,
    Notification,
    NotificationKind,
    RuleState,
    Scan,
)
from alertd.rules.model import Deliver, RuleFacts, Severity

Row = sqlite3.Row
Values = dict[str, int | str | None]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def maybe_from_micros(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def _plain(value: object) -> int | str | None:
    match value:
        case datetime():
            return to_micros(value)
        case timedelta():
            return value // _MICROSECOND
        case bool() | int():
            return int(value)
        case Mapping():
            return json.dumps(value)
        case None:
            return None
        case _:
            return str(value)  # text and StrEnum


def values(record: Message | Attempt | DestinationState | Episode | Scan) -> Values:
    """A flat record as parameters of a query, by the names of its fields."""
    return {field.name: _plain(getattr(record, field.name)) for field in fields(record)}


def facts_to_json(facts: RuleFacts) -> str:
    """What no template names takes no room."""
    named = {field.name: getattr(facts, field.name) for field in fields(facts)}
    return json.dumps({name: value for name, value in named.items() if value != ()}, ensure_ascii=False)


def facts_from_json(text: str) -> RuleFacts:
    """What only a newer alertd knows is ignored, as of an event."""
    known = {field.name for field in fields(RuleFacts)}
    data = {name: value for name, value in json.loads(text).items() if name in known}
    read = {"severity": Severity(data["severity"]), "deliver": Deliver(data["deliver"])}
    return RuleFacts(**{**data, **read, "document": tuple((path, value) for path, value in data.get("document", ()))})


def event_values(match: Match, now: datetime) -> Values:
    event = match.event
    return {
        "event_key": event.key,
        "event_id": event.id,
        "event_time": to_micros(event.time),
        "session": event.session,
        "event": event_to_json(event),
        "now": to_micros(now),
    }


def match_values(match: Match, now: datetime) -> Values:
    return {
        "event_key": match.event.key,
        "rule_set": match.rule.rule_set,
        "rule": match.rule.id,
        "kind": match.kind.value,
        "facts": facts_to_json(match.rule),
        "also": json.dumps(match.also),
        "exception": match.exception,
        "now": to_micros(now),
    }


def event(row: Row) -> Event:
    return event_from_json(row["event"])


def notification(row: Row) -> Notification:
    return Notification(
        id=row["id"],
        destination=row["destination"],
        kind=NotificationKind(row["kind"]),
        event=event(row),
        rule=facts_from_json(row["facts"]),
        seen_at=from_micros(row["seen_at"]),
        told_by=row["told_by"],
    )


def message(row: Row) -> Message:
    return Message(
        delivery_id=row["delivery_id"],
        destination=row["destination"],
        kind=MessageKind(row["kind"]),
        payload=row["payload"],
        created_at=from_micros(row["created_at"]),
        state=MessageState(row["state"]),
        thread_of=row["thread_of"],
        attempts=row["attempts"],
        not_before=maybe_from_micros(row["not_before"]),
        attempted_at=maybe_from_micros(row["attempted_at"]),
        unknown_since=maybe_from_micros(row["unknown_since"]),
        negative_reads=row["negative_reads"],
        plain=bool(row["plain"]),
        repeat_possible=bool(row["repeat_possible"]),
        sweeps=row["sweeps"],
        channel=row["channel"],
        ts=row["ts"],
        permalink=row["permalink"],
        sent_at=maybe_from_micros(row["sent_at"]),
        last_error=row["last_error"],
        replay_of=row["replay_of"],
        urgency=row["urgency"],
        read_since=maybe_from_micros(row["read_since"]),
    )


def attempt(row: Row) -> Attempt:
    return Attempt(
        delivery_id=row["delivery_id"],
        number=row["number"],
        started_at=from_micros(row["started_at"]),
        ended_at=maybe_from_micros(row["ended_at"]),
        outcome=row["outcome"],
        detail=row["detail"],
    )


def destination(row: Row) -> DestinationState:
    return DestinationState(
        name=row["name"],
        condition=DestinationCondition(row["condition"]),
        reason=row["reason"],
        since=maybe_from_micros(row["since"]),
        paused_until=maybe_from_micros(row["paused_until"]),
        failures=row["failures"],
        next_post_at=maybe_from_micros(row["next_post_at"]),
        flooding=bool(row["flooding"]),
    )


def rule_state(row: Row) -> RuleState:
    return RuleState(
        rule_set=row["rule_set"],
        rule=row["rule"],
        fingerprint=row["fingerprint"],
        started_at=from_micros(row["started_at"]),
        covered_until=maybe_from_micros(row["covered_until"]),
        floor=maybe_from_micros(row["floor"]),
        forgotten_before=maybe_from_micros(row["forgotten_before"]),
        searched_since=maybe_from_micros(row["searched_since"]),
    )


def episode(row: Row) -> Episode:
    return Episode(
        subject=row["subject"],
        text=row["text"],
        began_at=from_micros(row["began_at"]),
        told_at=from_micros(row["told_at"]),
        told_by=row["told_by"],
        over_at=maybe_from_micros(row["over_at"]),
    )
