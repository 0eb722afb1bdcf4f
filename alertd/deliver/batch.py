"""Waiting notifications → frozen messages: which go alone, into a digest, into a thread. Nothing is sent here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from alertd.ledger import Ledger
from alertd.ledger.model import (
    DestinationState,
    Message,
    MessageKind,
    MessageState,
    Notification,
    NotificationKind,
    urgency,
)

# What people still read one by one. Beyond it a channel at one message a second lags behind the incident.
MOST_SINGLE = 20
# As many lines as a digest could ever hold; those that did not fit go into the next.
DIGEST_CANDIDATES = 200
# Less urgent than anything.
NOTHING = -1
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
    baseline: Callable[[Sequence[Notification], int, str], str]  # the newest of so many
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
    """Freeze what is ripe and more urgent than all that is frozen: so nothing waits behind what is less urgent. Of
    alerts at most MOST_SINGLE go singly, then digests until none waits."""
    waiting = batch.ledger.urgencies(batch.destination)
    if state.flooding and NotificationKind.MESSAGE not in waiting:
        state = replace(state, flooding=False)
        batch.ledger.save_destination(state)
    if not waiting:
        return state
    frozen = _frozen(batch, now=now)
    if waiting.get(NotificationKind.MESSAGE, NOTHING) > frozen:
        state = _freeze_alerts(batch, state, frozen=frozen, now=now)
        frozen = _frozen(batch, now=now)
    if waiting.get(NotificationKind.ECHO, NOTHING) > frozen:
        _freeze_echoes(batch, now=now)
        frozen = _frozen(batch, now=now)
    if waiting.get(NotificationKind.SESSION, NOTHING) > frozen:
        _freeze_sessions(batch, now=now)
        frozen = _frozen(batch, now=now)
    if waiting.get(NotificationKind.BASELINE, NOTHING) > frozen:
        _freeze_baseline(batch, now=now)
    return state


def _frozen(batch: Batch, *, now: datetime) -> int:
    """How urgent the next frozen alert is. Replays, and what alertd says of itself, hold nothing back."""
    message = batch.ledger.next_pending(batch.destination, now=now, ops_first=False)
    return NOTHING if message is None or message.replay_of or message.kind is MessageKind.OPS else message.urgency


def _freeze_alerts(batch: Batch, state: DestinationState, *, frozen: int, now: datetime) -> DestinationState:
    count = batch.ledger.waiting_count(batch.destination, NotificationKind.MESSAGE)
    begins = not state.flooding and count > MOST_SINGLE
    if begins:
        state = replace(state, flooding=True)
        batch.ledger.save_destination(state)
    waiting = batch.ledger.waiting(batch.destination, NotificationKind.MESSAGE, limit=MOST_SINGLE + 1)
    if state.flooding and not begins:
        gravest = [each for each in waiting if each.rule.severity == waiting[0].rule.severity]
        # what is graver than the flood, and no flood itself, stands alone
        singly = gravest if len(gravest) <= MOST_SINGLE and (len(gravest) < count or frozen > NOTHING) else []
    else:
        singly = list(waiting[:MOST_SINGLE])
    for notification in singly:
        delivery_id = batch.new_id()
        payload = batch.render.event(notification, delivery_id)
        _freeze(batch, _message(batch, delivery_id, MessageKind.EVENT, payload, now=now), [notification])
    if not singly:
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
        delivery_id = batch.new_id()
        payload = batch.render.echo(notification, delivery_id)
        message = _message(batch, delivery_id, MessageKind.ECHO, payload, now=now)
        _freeze(batch, replace(message, thread_of=notification.told_by), [notification])


def _freeze_sessions(batch: Batch, *, now: datetime) -> None:
    """A reply in the thread of the session's first message; without a thread, a digest of its own."""
    gathered = batch.ledger.waiting_sessions(batch.destination, gathered=now - SESSION_GATHER)
    for session, urgent in gathered[:MOST_SINGLE]:
        parent = batch.ledger.session_parent(batch.destination, session) if batch.threads and session else None
        if parent and parent.state not in {MessageState.SENT, MessageState.DEAD}:
            batch.ledger.hurry(parent.delivery_id, urgent)
            continue  # its thread does not exist yet
        notifications = batch.ledger.waiting_of_session(batch.destination, session, limit=DIGEST_CANDIDATES)
        delivery_id = batch.new_id()
        payload, named = batch.render.session(notifications, delivery_id)
        # as urgent as all that waits of it, also what is in the next list
        message = replace(_message(batch, delivery_id, MessageKind.SESSION, payload, now=now), urgency=urgent)
        if parent and parent.state is MessageState.SENT:
            message = replace(message, thread_of=parent.thread_of or parent.delivery_id)
        _freeze(batch, message, notifications[:named], session=session)


def _freeze_baseline(batch: Batch, *, now: datetime) -> None:
    """One message stands for all that a look into the past of a rule set found."""
    for past in batch.ledger.waiting_past(batch.destination):
        newest = batch.ledger.newest_of_past(batch.destination, past, limit=DIGEST_CANDIDATES)
        delivery_id = batch.new_id()
        payload = batch.render.baseline(newest, past.number, delivery_id)
        message = _message(batch, delivery_id, MessageKind.BASELINE, payload, now=now)
        for keys in batch.ledger.keys_of_past(batch.destination, past):
            _log_composed(message, keys, of=past.number)
        batch.ledger.freeze_past(message, past)


def _freeze(
    batch: Batch, message: Message, notifications: Sequence[Notification], *, session: str | None = None
) -> None:
    """Logged before it is durable: whatever is posted, the log has told which events it names."""
    keys = [notification.event.key for notification in notifications]
    _log_composed(message, keys, of=len(keys))
    gravest = max(urgency(notification.rule.severity) for notification in notifications)
    message = replace(message, urgency=max(message.urgency, gravest))
    batch.ledger.freeze(message, [notification.id for notification in notifications], session=session)


def _log_composed(message: Message, keys: Sequence[str], *, of: int) -> None:
    facts = {"delivery_id": message.delivery_id, "destination": message.destination, "kind": message.kind.value}
    for start in range(0, len(keys), KEYS_AN_ENTRY):
        _log.info("message_composed", event_keys=keys[start : start + KEYS_AN_ENTRY], of=of, **facts)


def _message(batch: Batch, delivery_id: str, kind: MessageKind, payload: str, *, now: datetime) -> Message:
    return Message(delivery_id=delivery_id, destination=batch.destination, kind=kind, payload=payload, created_at=now)
