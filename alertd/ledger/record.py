"""What one transaction of a poll writes: matches with what is to be told of them, and the scan that found them."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from alertd.ledger import rows
from alertd.ledger.model import Match, MatchKind, NotificationKind, Scan, ScanKind, urgency
from alertd.rules.model import Deliver

# A named query with its parameters, within the transaction.
Execute = Callable[[str, Mapping[str, Any]], sqlite3.Cursor]


def record_match(execute: Execute, match: Match, now: datetime) -> bool:
    event = rows.event_values(match, now)
    execute("insert_event", event)
    if execute("insert_match", rows.match_values(match, now)).rowcount == 0:
        return False
    for destination in dict.fromkeys(match.notify):
        place = {"event_key": match.event.key, "destination": destination}
        kind = _notification_kind(match, is_told=execute("is_told", place).fetchone() is not None)
        if kind:
            grave = 0 if kind is NotificationKind.BASELINE else urgency(match.rule.severity)
            values = {"rule_set": match.rule.rule_set, "kind": kind.value, "event_time": event["event_time"]}
            execute("insert_notification", {**place, **values, "urgency": grave})
            if kind is NotificationKind.ECHO:
                for query in ("hurry_notification", "hurry_message"):
                    execute(query, {**place, "urgency": grave})
    return True


def note_baselines(execute: Execute, matches: Sequence[Match], scans: Sequence[Scan]) -> None:
    """What is listed from the past is listed at once, when a scan has seen all of it."""
    complete = {scan.rule_set for scan in scans}
    listed = {match.rule.rule_set for match in matches if match.kind is MatchKind.BASELINE}
    for rule_set in listed - complete:
        execute("open_baseline", {"rule_set": rule_set})
    for scan in scans:
        if scan.kind is not ScanKind.FAST:
            execute("close_baseline", {"rule_set": scan.rule_set})


def record_scan(execute: Execute, scan: Scan, new: int) -> None:
    since = rows.to_micros(scan.since or scan.started_at - scan.reach)
    until = rows.to_micros(scan.until or scan.started_at)
    values = {**rows.values(scan), "since": since, "until": until, "new": new}
    covered = execute("covered_until", values).fetchone()["covered_until"]
    if covered is not None and since > covered:
        execute("insert_gap", {"rule_set": scan.rule_set, "began": covered, "ended": since})
    execute("fill_gaps", values)
    execute("cover_rules", values)
    if new == 0:
        execute("forget_quiet_scan", values)
    execute("insert_scan", values)


def heal(execute: Execute, moments: Mapping[str, Any]) -> bool:
    execute("correct_start", moments)
    gaps = execute("forget_future_gaps", moments).rowcount
    return bool(execute("heal", moments).rowcount or gaps)


def _notification_kind(match: Match, *, is_told: bool) -> NotificationKind | None:
    if match.kind is MatchKind.EXCEPTED:
        return None
    if match.kind is MatchKind.BASELINE:
        return None if is_told else NotificationKind.BASELINE
    if is_told:
        return NotificationKind.ECHO
    return NotificationKind.SESSION if match.rule.deliver is Deliver.SESSION else NotificationKind.MESSAGE
