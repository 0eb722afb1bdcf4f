"""Waiting notifications → frozen messages: which go alone, into a digest, into a thread. Nothing is sent here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

import structlog

from alertd.ledger import Ledger
from alertd.ledger.model import (
    DestinationState,
    Message,
    MessageKind,
    MessageState,
    Notification,
    NotificationKind,
)

# What people still read one by one. Beyond it a channel at one message a second lags behind the incident.
MOST_SINGLE = 20
# As many lines as a digest could ever hold; those that did not fit go into the next.
DIGEST_CANDIDATES = 200
# One message stands for all events before a rule's start; more than these make a second one.
BASELINE_CANDIDATES = 10_000
# Read-only calls of a session come within seconds; one reply a minute gathers them.
SESSION_GATHER = timedelta(minutes=1)
# A log entry's value is cut at 2,000 characters; a key has some 60.
KEYS_AN_ENTRY = 20

_log = structlog.get_logger("alertd.batch")


@dataclass(frozen=True, slots=True)
class Renderers:
    """How notifications become payloads; the ones that return a number tell how many of them the payload names."""

    event: Callable[[Notification, str], str]
    digest: Callable[[Sequence[Notification], str], tuple[str, int]]
    session: Callable[[Sequence[Notification], str], tuple[str, int]]
    baseline: Callable[[Sequence[Notification], str], str]
    echo: Callable[[Notification, str], str]
    minimal: Callable[[Sequence[Notification], str, str], str]


@dataclass(frozen=True, slots=True)
class Batch:
    """What has to be known to freeze messages for one destination."""

    ledger: Ledger
    destination: str
    threads: bool
    render: Renderers
    new_id: Callable[[], str]


def freeze_next(batch: Batch, state: DestinationState, *, now: datetime) -> DestinationState:
    """Freeze what is ripe. Alerts first; at most MOST_SINGLE of them singly, then digests until none waits."""
    state = _freeze_alerts(batch, state, now=now)
    pending = batch.ledger.next_pending(batch.destination, now=now)
    if pending and not pending.replay_of:
        return state
    _freeze_echoes(batch, now=now)
    _freeze_sessions(batch, now=now)
    _freeze_baseline(batch, now=now)
    return state


def _freeze_alerts(batch: Batch, state: DestinationState, *, now: datetime) -> DestinationState:
    count = batch.ledger.waiting_count(batch.destination, NotificationKind.MESSAGE)
    if state.flooding != (count > MOST_SINGLE or (state.flooding and count > 0)):
        state = replace(state, flooding=not state.flooding)
        batch.ledger.save_destination(state)
        singly = MOST_SINGLE
    else:
        singly = 0 if state.flooding else MOST_SINGLE
    for notification in batch.ledger.waiting(batch.destination, NotificationKind.MESSAGE, limit=singly):
        delivery_id = batch.new_id()
        payload = batch.render.event(notification, delivery_id)
        _freeze(batch, _message(batch, delivery_id, MessageKind.EVENT, payload, now=now), [notification])
    if state.flooding and not singly:
        _freeze_digest(batch, now=now)
    return state


def _freeze_digest(batch: Batch, *, now: datetime) -> None:
    waiting = batch.ledger.waiting(batch.destination, NotificationKind.MESSAGE, limit=DIGEST_CANDIDATES)
    delivery_id = batch.new_id()
    payload, named = batch.render.digest(waiting, delivery_id)
    _freeze(batch, _message(batch, delivery_id, MessageKind.DIGEST, payload, now=now), waiting[:named])


def _freeze_echoes(batch: Batch, *, now: datetime) -> None:
    waiting = batch.ledger.waiting(batch.destination, NotificationKind.ECHO, limit=MOST_SINGLE)
    if not batch.threads:
        batch.ledger.drop_echoes([notification.id for notification in waiting])
        return
    for notification in waiting:
        if notification.told_by is None:
            continue  # the event itself still waits
        delivery_id = batch.new_id()
        payload = batch.render.echo(notification, delivery_id)
        message = _message(batch, delivery_id, MessageKind.ECHO, payload, now=now)
        _freeze(batch, replace(message, thread_of=notification.told_by), [notification])


def _freeze_sessions(batch: Batch, *, now: datetime) -> None:
    """A reply in the thread of the session's first message; without a thread, a digest of its own."""
    waiting = batch.ledger.waiting(batch.destination, NotificationKind.SESSION, limit=BASELINE_CANDIDATES)
    for session, group in groupby(sorted(waiting, key=_session), key=_session):
        notifications = sorted(group, key=lambda notification: notification.event.time)
        if now - min(notification.seen_at for notification in notifications) < SESSION_GATHER:
            continue
        parent = batch.ledger.session_parent(batch.destination, session) if batch.threads and session else None
        if parent and parent.state not in {MessageState.SENT, MessageState.DEAD}:
            continue  # its thread does not exist yet
        delivery_id = batch.new_id()
        payload, named = batch.render.session(notifications, delivery_id)
        message = _message(batch, delivery_id, MessageKind.SESSION, payload, now=now)
        if parent and parent.state is MessageState.SENT:
            message = replace(message, thread_of=parent.thread_of or parent.delivery_id)
        _freeze(batch, message, notifications[:named])


def _freeze_baseline(batch: Batch, *, now: datetime) -> None:
    waiting = batch.ledger.waiting(batch.destination, NotificationKind.BASELINE, limit=BASELINE_CANDIDATES)
    for _, group in groupby(sorted(waiting, key=_rule_set), key=_rule_set):
        notifications = sorted(group, key=lambda notification: notification.event.time)
        delivery_id = batch.new_id()
        payload = batch.render.baseline(notifications, delivery_id)
        message = _message(batch, delivery_id, MessageKind.BASELINE, payload, now=now)
        _freeze(batch, message, notifications)


def _freeze(batch: Batch, message: Message, notifications: Sequence[Notification]) -> None:
    """Logged before it is durable: whatever is posted, the log has told which events it names."""
    facts = {"delivery_id": message.delivery_id, "destination": message.destination, "kind": message.kind.value}
    keys = [notification.event.key for notification in notifications]
    for start in range(0, len(keys), KEYS_AN_ENTRY):
        _log.info("message_composed", event_keys=keys[start : start + KEYS_AN_ENTRY], of=len(keys), **facts)
    batch.ledger.freeze(message, [notification.id for notification in notifications])


def _message(batch: Batch, delivery_id: str, kind: MessageKind, payload: str, *, now: datetime) -> Message:
    return Message(delivery_id=delivery_id, destination=batch.destination, kind=kind, payload=payload, created_at=now)


def _session(notification: Notification) -> str:
    return notification.event.session or ""


def _rule_set(notification: Notification) -> str:
    return notification.rule.rule_set
