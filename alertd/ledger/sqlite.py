"""The ledger in one SQLite file. Each method is one transaction; a failed one says so and leaves nothing behind."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from alertd.errors import LedgerConflictError
from alertd.event.event import Event
from alertd.ledger import file, rows
from alertd.ledger.forgetting import forget_before
from alertd.ledger.inspection import Inspection
from alertd.ledger.lock import held
from alertd.ledger.model import (
    Attempt,
    DestinationState,
    Episode,
    Match,
    Message,
    MessageState,
    Notification,
    NotificationKind,
    Past,
    RuleState,
    Scan,
)
from alertd.ledger.record import Execute, heal, note_baselines, record_match, record_scan
from alertd.ledger.refusal import cannot_open
from alertd.ledger.turns import Turns

KEYS_AT_ONCE = 10_000
# Bytes that are looked through within a second at the start; a larger ledger is looked through beside the work.
SMALL = 32_000_000


class SqliteLedger:
    """Safe for several threads: they take turns. After an I/O error every call fails: only a new start may trust it."""

    def __init__(self, connection: sqlite3.Connection, path: Path, resources: ExitStack) -> None:
        self._connection = connection
        self._resources = resources
        self._turns = Turns(connection, path)
        self._transaction, self._read, self._execute = self._turns.transaction, self._turns.read, self._turns.execute

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

    def heal(self, rule_set: str, *, noted: datetime, began: datetime, latest: datetime, now: datetime) -> bool:
        moments = {"noted": noted, "began": began, "latest": latest, "now": now}
        with self._transaction():
            return heal(self._execute, {"rule_set": rule_set, **{n: rows.to_micros(at) for n, at in moments.items()}})

    def record(self, matches: Sequence[Match], *, now: datetime, scans: Sequence[Scan] = ()) -> int:
        if not (matches or scans):
            return 0
        with self._transaction():
            new = [match for match in matches if record_match(self._execute, match, now)]
            note_baselines(self._execute, matches, scans)
            for scan in scans:
                found = sum(match.rule.rule_set == scan.rule_set for match in new)
                record_scan(self._execute, scan, found)
        return len(new)

    # deliver

    def destination(self, name: str) -> DestinationState:
        found = self._read("destination", name=name)
        return rows.destination(found[0]) if found else DestinationState(name)

    def save_destination(self, state: DestinationState) -> None:
        with self._transaction():
            self._execute("save_destination", rows.values(state))

    def waiting_count(self, destination: str, kind: NotificationKind) -> int:
        return int(self._read("waiting_count", destination=destination, kind=kind.value)[0]["waiting"])

    def urgencies(self, destination: str) -> Mapping[NotificationKind, int]:
        found = self._read("urgencies", destination=destination)
        return {NotificationKind(row["kind"]): row["urgency"] for row in found}

    def waiting(self, destination: str, kind: NotificationKind, *, limit: int) -> tuple[Notification, ...]:
        found = self._read("waiting", destination=destination, kind=kind.value, limit=limit)
        return tuple(rows.notification(row) for row in found)

    def waiting_sessions(self, destination: str, *, gathered: datetime) -> tuple[tuple[str, int], ...]:
        found = self._read("waiting_sessions", destination=destination, gathered=rows.to_micros(gathered))
        return tuple((row["session"], row["urgency"]) for row in found)

    def waiting_of_session(self, destination: str, session: str, *, limit: int) -> tuple[Notification, ...]:
        query = "waiting_of_session" if session else "waiting_without_session"
        found = self._read(query, destination=destination, session=session, limit=limit)
        return tuple(rows.notification(row) for row in found)

    def waiting_past(self, destination: str) -> tuple[Past, ...]:
        return tuple(Past(**row) for row in self._read("waiting_past", destination=destination))

    def newest_of_past(self, destination: str, past: Past, *, limit: int) -> tuple[Notification, ...]:
        which: dict[str, int | str | None] = {"destination": destination, "rule_set": past.rule_set, "last": past.last}
        return tuple(rows.notification(row) for row in self._read("newest_of_past", **which, limit=limit))

    def keys_of_past(self, destination: str, past: Past) -> Iterator[list[str]]:
        which: dict[str, int | str | None] = {"destination": destination, "rule_set": past.rule_set, "last": past.last}
        after = 0
        while found := self._read("keys_of_past", **which, after=after, limit=KEYS_AT_ONCE):
            yield [row["event_key"] for row in found]
            after = found[-1]["id"]

    def freeze(self, message: Message, notifications: Iterable[int], *, session: str | None = None) -> None:
        with self._transaction():
            self._execute("insert_message", rows.values(message))
            for position, notification in enumerate(notifications):
                place = {"id": notification, "delivery_id": message.delivery_id, "position": position}
                if self._execute("put_into_message", place).rowcount != 1:
                    raise LedgerConflictError(f"notification {notification} is in a message already.")
            if session:
                self._execute("hurry_session", {**rows.values(message), "session": session})

    def freeze_past(self, message: Message, past: Past) -> None:
        with self._transaction():
            self._execute("insert_message", rows.values(message))
            place = {**rows.values(message), "rule_set": past.rule_set, "last": past.last}
            if self._execute("put_past_into_message", place).rowcount != past.number:
                raise LedgerConflictError(f"what was found of the past of {past.rule_set} is in a message already.")

    def hurry(self, delivery_id: str, urgency: int) -> None:
        with self._transaction():
            self._execute("hurry_parent", {"delivery_id": delivery_id, "urgency": urgency})

    def replay(self, messages: Sequence[Message]) -> None:
        with self._transaction():
            for message in messages:
                self._execute("insert_message", rows.values(message))

    def drop_echoes(self, notifications: Iterable[int]) -> None:
        with self._transaction():
            for notification in notifications:
                self._execute("close_notification", {"id": notification})

    def next_pending(self, destination: str, *, now: datetime, ops_first: bool = True) -> Message | None:
        for query in ("next_ops", "next_alert") if ops_first else ("next_alert", "next_ops"):
            if found := self._read(query, destination=destination, now=rows.to_micros(now)):
                return rows.message(found[0])
        return None

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

    def tried(self, destination: str) -> tuple[Message, ...]:
        return tuple(rows.message(row) for row in self._read("tried", destination=destination))

    def save_waits(self, messages: Sequence[Message], *, destination: DestinationState, fact: tuple[str, str]) -> None:
        with self._transaction():
            for message in messages:
                self._execute("save_message", {**rows.values(message), "was": message.state.value})
            self._execute("save_destination", rows.values(destination))
            self._execute("remember", {"name": fact[0], "value": fact[1]})

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
        return forget_before(self._turns, rows.to_micros(before))

    @contextmanager
    def transaction(self) -> Iterator[Execute]:
        """For what a person decides: named queries, all of them or none."""
        with self._transaction():
            yield self._execute

    def check_beside(self, path: Path) -> None:
        """Every page, while the work goes on: damage ends it."""
        inspection = Inspection(path, self._turns)
        self._resources.callback(inspection.stop)
        inspection.start()

    def close(self) -> None:
        self._turns.close()
        self._resources.close()


def open_ledger(path: Path, *, now: datetime) -> SqliteLedger:
    """Open for the daemon: alone, checked, migrated. LedgerHeldError, LedgerUnusableError; LedgerFullError passes."""
    file.judge(path, writable=True)
    with ExitStack() as stack:
        stack.enter_context(held(path, now=now))
        try:
            connection = file.connect_patiently(path)
            stack.callback(connection.close)
            file.check_schema(connection, path)
            at_once = path.stat().st_size <= SMALL
            if at_once:
                file.check_integrity(connection, path)
            file.migrate(connection)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise cannot_open(path, error) from error
        ledger = SqliteLedger(connection, path, stack.pop_all())
    if not at_once:
        ledger.check_beside(path)
    return ledger


def open_readonly(path: Path, *, whole: bool = False) -> SqliteLedger:
    """Open for a look while the daemon runs: no lock, nothing is ever written. `whole`: judge every page of it."""
    file.judge(path, writable=False)
    try:
        connection = file.connect(path, mode="ro")
        file.check_schema(connection, path)
        if whole:
            file.check_integrity(connection, path)
        return SqliteLedger(file.as_of_now(connection), path, ExitStack())
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise cannot_open(path, error) from error
