"""What the ledger says of a period. Reads only, in short reads: the daemon writes beside it."""

import json
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from alertd.history.audit import Fate, Records
from alertd.ledger import rows
from alertd.ledger.model import MatchKind, NotificationKind
from alertd.ledger.sqlite import SqliteLedger


def records(ledger: SqliteLedger, since: datetime, until: datetime, *, shown: Collection[str]) -> Records:
    """`shown`: delivery ids that stand in the channels. Events first: what tells them is then there too."""
    within = {"since": rows.to_micros(since), "until": rows.to_micros(until)}
    fates = tuple(_fate(row) for row in ledger.read("audited_events", **within))
    messages = tuple(rows.message(row) for row in ledger.read("audited_messages", **within))
    items: defaultdict[str, list[str]] = defaultdict(list)
    for row in ledger.read("audited_items", delivery_ids=json.dumps([message.delivery_id for message in messages])):
        items[row["delivery_id"]].append(row["event_id"])
    known = ledger.read("known_messages", delivery_ids=json.dumps(list(shown)))
    return Records(
        fates, messages, {name: tuple(ids) for name, ids in items.items()}, {row["delivery_id"] for row in known}
    )


def threads(ledger: SqliteLedger, since: datetime) -> dict[str, frozenset[str]]:
    """Destination → ts of the parents that messages from then on reply to."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in ledger.read("audited_threads", since=rows.to_micros(since)):
        found[row["destination"]].add(row["ts"])
    return {name: frozenset(ts) for name, ts in found.items()}


def last_sweeps(ledger: SqliteLedger) -> dict[str, datetime]:
    return {row["rule_set"]: rows.from_micros(row["started_at"]) for row in ledger.read("last_sweeps")}


def _fate(row: rows.Row) -> Fate:
    return Fate(
        key=row["event_key"],
        event_id=row["event_id"],
        time=rows.from_micros(row["event_time"]),
        rule_set=row["rule_set"],
        rule=row["rule"],
        match=MatchKind(row["match_kind"]),
        seen_at=rows.from_micros(row["seen_at"]),
        destination=row["destination"],
        kind=NotificationKind(row["kind"]) if row["kind"] else None,
        closed=bool(row["closed"]),
        delivery_id=row["delivery_id"],
    )
