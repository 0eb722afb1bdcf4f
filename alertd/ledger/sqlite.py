"""The ledger in one SQLite file. Each method is one transaction; a failed one says so and leaves nothing behind."""

import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from alertd.errors import LedgerConflictError, LedgerFullError, LedgerUnusableError
from alertd.event.event import Event
from alertd.ledger import file, rows
from alertd.ledger.model import (
    Attempt,
    DestinationState,
    Episode,
    Match,
    MatchKind,
    Message,
    MessageState,
    Notification,
    NotificationKind,
    RuleState,
    Scan,
)
from alertd.ledger.queries import named
from alertd.rules.model import Deliver

# Events are forgotten in transactions short enough that a poll does not notice.
PRUNE_AT_ONCE = 500


class SqliteLedger:
    """Safe for several threads: they take turns. After an I/O error every call fails: only a new start may trust it."""

    def __init__(self, connection: sqlite3.Connection, path: Path, resources: ExitStack) -> None:
        self._connection = connection
        self._path = path
        self._resources = resources
        self._turn = threading.RLock()
        self._broken: str | None = None

    # poll

    def rule_states(self, rule_set: str, rules: Collection[str] | None = None) -> Mapping[str, RuleState]:
        some = None if rules is None else json.dumps(list(rules))
        return {row["rule"]: rows.rule_state(row) for row in self._read("rule_states", rule_set=rule_set, rules=some)}

    def unseen(self, rule_set: str, keys: Collection[str]) -> frozenset[str]:
        if not keys:
            return frozenset()
        found = self._read("unseen", rule_set=rule_set, keys=json.dumps(list(keys)))
        return frozenset(row["value"] for row in found)

    def begin(self, rule_set: str, rules: Mapping[str, str], *, now: datetime) -> None:
        with self._transaction():
            began = {"rule_set": rule_set, "rules": json.dumps(rules), "started_at": rows.to_micros(now)}
            self._execute("begin_rules", began)

    def record(self, matches: Sequence[Match], *, now: datetime, scans: Sequence[Scan] = ()) -> int:
        if not (matches or scans):
            return 0
        with self._transaction():
            new = [match for match in matches if self._record_match(match, now)]
            for scan in scans:
                found = sum(match.rule.rule_set == scan.rule_set for match in new)
                self._record_scan(scan, found)
        return len(new)

    def _record_match(self, match: Match, now: datetime) -> bool:
        event = rows.event_values(match, now)
        self._execute("insert_event", event)
        if self._execute("insert_match", rows.match_values(match, now)).rowcount == 0:
            return False
        for destination in dict.fromkeys(match.notify):
            place = {"event_key": match.event.key, "destination": destination}
            kind = _notification_kind(match, is_told=self._execute("is_told", place).fetchone() is not None)
            if kind:
                values = {"rule_set": match.rule.rule_set, "kind": kind.value, "event_time": event["event_time"]}
                self._execute("insert_notification", {**place, **values})
        return True

    def _record_scan(self, scan: Scan, new: int) -> None:
        covered = self._execute("covered_until", {"rule_set": scan.rule_set}).fetchone()["covered_until"]
        reached = rows.to_micros(scan.started_at - scan.reach)
        if covered is not None and reached > covered:
            self._execute("insert_gap", {"rule_set": scan.rule_set, "began": covered, "ended": reached})
        values = {**rows.values(scan), "reached": reached, "new": new}
        self._execute("fill_gaps", values)
        self._execute("cover_rules", values)
        if new == 0:
            self._execute("forget_quiet_scan", values)
        self._execute("insert_scan", values)

    # deliver

    def destination(self, name: str) -> DestinationState:
        found = self._read("destination", name=name)
        return rows.destination(found[0]) if found else DestinationState(name)

    def save_destination(self, state: DestinationState) -> None:
        with self._transaction():
            self._execute("save_destination", rows.values(state))

    def waiting_count(self, destination: str, kind: NotificationKind) -> int:
        return int(self._read("waiting_count", destination=destination, kind=kind.value)[0]["waiting"])

    def waiting(self, destination: str, kind: NotificationKind, *, limit: int) -> tuple[Notification, ...]:
        found = self._read("waiting", destination=destination, kind=kind.value, limit=limit)
        return tuple(rows.notification(row) for row in found)

    def freeze(self, message: Message, notifications: Iterable[int]) -> None:
        with self._transaction():
            self._execute("insert_message", rows.values(message))
            for position, notification in enumerate(notifications):
                place = {"id": notification, "delivery_id": message.delivery_id, "position": position}
                if self._execute("put_into_message", place).rowcount != 1:
                    raise LedgerConflictError(f"notification {notification} is in a message already.")

    def replay(self, messages: Sequence[Message]) -> None:
        with self._transaction():
            for message in messages:
                self._execute("insert_message", rows.values(message))

    def drop_echoes(self, notifications: Iterable[int]) -> None:
        with self._transaction():
            for notification in notifications:
                self._execute("close_notification", {"id": notification})

    def next_pending(self, destination: str, *, now: datetime) -> Message | None:
        found = self._read("next_pending", destination=destination, now=rows.to_micros(now))
        return rows.message(found[0]) if found else None

    def message(self, delivery_id: str) -> Message:
        found = self._read("message", delivery_id=delivery_id)
        if not found:
            raise LedgerConflictError(f"there is no message {delivery_id}.")
        return rows.message(found[0])

    def messages(self, destination: str, state: MessageState) -> tuple[Message, ...]:
        found = self._read("messages", destination=destination, state=state.value)
        return tuple(rows.message(row) for row in found)

    def to_sweep(self, destination: str) -> tuple[Message, ...]:
        return tuple(rows.message(row) for row in self._read("to_sweep", destination=destination))

    def session_parent(self, destination: str, session: str) -> Message | None:
        found = self._read("session_parent", destination=destination, session=session)
        return rows.message(found[0]) if found else None

    def save(
        self,
        message: Message,
        *,
        was: MessageState,
        attempt: Attempt | None = None,
        destination: DestinationState | None = None,
    ) -> None:
        with self._transaction():
            values = {**rows.values(message), "was": was.value}
            if self._execute("save_message", values).rowcount != 1:
                raise LedgerConflictError(f"message {message.delivery_id} is no longer {was.value}.")
            if attempt:
                self._execute("save_attempt", rows.values(attempt))
            if destination:
                self._execute("save_destination", rows.values(destination))

    def items(self, delivery_id: str) -> tuple[Notification, ...]:
        return tuple(rows.notification(row) for row in self._read("items", delivery_id=delivery_id))

    # alertd itself

    def episodes(self) -> tuple[Episode, ...]:
        return tuple(rows.episode(row) for row in self._read("open_episodes"))

    def save_episode(self, episode: Episode, message: Message | None = None) -> None:
        with self._transaction():
            if message:
                self._execute("insert_message", rows.values(message))
            self._execute("save_episode", rows.values(episode))

    def remembered(self, name: str) -> str | None:
        found = self._read("remembered", name=name)
        return str(found[0]["value"]) if found else None

    def remember(self, name: str, value: str, message: Message | None = None) -> None:
        with self._transaction():
            if message:
                self._execute("insert_message", rows.values(message))
            self._execute("remember", {"name": name, "value": value})

    # people

    def attempts(self, delivery_id: str) -> tuple[Attempt, ...]:
        return tuple(rows.attempt(row) for row in self._read("attempts", delivery_id=delivery_id))

    def find_events(self, text: str) -> tuple[Event, ...]:
        return tuple(rows.event(row) for row in self._read("find_events", text=text))

    def read(self, query: str, **parameters: int | str | None) -> list[sqlite3.Row]:
        """A named query for the commands that report."""
        return self._read(query, **parameters)

    def prune(self, *, before: datetime) -> int:
        limit = rows.to_micros(before)
        forgotten = 0
        with self._transaction():
            self._execute("raise_floor", {"before": limit})
        while old := self._read("old_events", before=limit, limit=PRUNE_AT_ONCE):
            with self._transaction():
                for row in old:
                    self._execute("forget_event", {"event_key": row["event_key"]})
            forgotten += len(old)
        with self._transaction():
            self._execute("forget_messages", {"before": limit})
            self._execute("forget_scans", {"before": limit})
            self._execute("forget_episodes", {"before": limit})
        return forgotten

    def close(self) -> None:
        with self._turn:
            self._connection.close()
            self._resources.close()

    # SQLite

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._turn, self._judged():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _read(self, query: str, **parameters: int | str | None) -> list[sqlite3.Row]:
        with self._turn, self._judged():
            return self._connection.execute(named()[query], parameters).fetchall()

    def _execute(self, query: str, parameters: Mapping[str, Any]) -> sqlite3.Cursor:
        return self._connection.execute(named()[query], parameters)

    @contextmanager
    def _judged(self) -> Iterator[None]:
        """Turn SQLite's errors into reactions: a full disk passes, after anything else only a new start may go on."""
        if self._broken:
            raise LedgerUnusableError(f"the ledger {self._path} failed before: {self._broken}.")
        try:
            yield
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            if name in {"SQLITE_FULL", "SQLITE_BUSY"}:
                raise LedgerFullError(f"the ledger {self._path} cannot grow: {error}.") from error
            self._broken = f"{name}: {error}"
            raise LedgerUnusableError(
                f"the ledger {self._path} cannot be used any more: {self._broken}. "
                "alertd stops; what it was doing is settled at the next start."
            ) from error


def open_ledger(path: Path, *, now: datetime) -> SqliteLedger:
    """Open for the daemon: alone, checked, migrated. LedgerHeldError, LedgerUnusableError."""
    file.judge(path, writable=True)
    with ExitStack() as stack:
        stack.enter_context(file.held(path, now=now))
        try:
            connection = file.connect(path, mode="rw")
            stack.callback(connection.close)
            file.check_integrity(connection, path)
            file.migrate(connection)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise file.cannot_open(path, error) from error
        return SqliteLedger(connection, path, stack.pop_all())


def open_readonly(path: Path, *, whole: bool = False) -> SqliteLedger:
    """Open for a look while the daemon runs: no lock, nothing is ever written. `whole`: judge every page of it."""
    file.judge(path, writable=False)
    try:
        connection = file.connect(path, mode="ro")
        if whole:
            file.check_integrity(connection, path)
        return SqliteLedger(file.as_of_now(connection), path, ExitStack())
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise file.cannot_open(path, error) from error


def _notification_kind(match: Match, *, is_told: bool) -> NotificationKind | None:
    if match.kind is MatchKind.EXCEPTED:
        return None
    if match.kind is MatchKind.BASELINE:
        return None if is_told else NotificationKind.BASELINE
    if is_told:
        return NotificationKind.ECHO
    return NotificationKind.SESSION if match.rule.deliver is Deliver.SESSION else NotificationKind.MESSAGE
