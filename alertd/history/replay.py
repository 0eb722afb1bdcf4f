"""What was told once → the messages that tell it again, at an operator's word. Pure: nothing is stored or sent here.

Each is rendered anew from the ledger's events, says that it is a replay, and leaves the events with the message that
told them first: in the ledger an event stays told once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alertd.deliver.batch import Renderers
from alertd.ledger.model import Message, MessageKind, Notification


@dataclass(frozen=True, slots=True)
class Told:
    """A message that was sent, and those of its events that are to be told again."""

    message: Message
    items: tuple[Notification, ...]


def of_rule(told: Sequence[Told], rule: str) -> tuple[Told, ...]:
    """What is left if only this rule's events are meant."""
    picked = (Told(each.message, tuple(item for item in each.items if item.rule.id == rule)) for each in told)
    return tuple(each for each in picked if each.items)


def replays(
    told: Sequence[Told],
    *,
    render: Renderers,
    mark: Callable[[str, datetime], str],
    new_id: Callable[[], str],
    now: datetime,
) -> Iterator[Message]:
    """Pending messages in the order of those that they repeat. `mark`: payload, when it was told first → the same,
    marked. A reply goes into the thread of its parent's replay, else into that of its parent, while there is one."""
    first: dict[str, str] = {}  # delivery id → that of its replay
    for each in told:
        for payload, delivery_id in _payloads(each, render, new_id):
            original = each.message
            yield Message(
                delivery_id=delivery_id,
                destination=original.destination,
                kind=original.kind,
                payload=mark(payload, original.sent_at or original.created_at),
                created_at=now,
                thread_of=_thread(original, first),
                replay_of=original.delivery_id,
            )
            first.setdefault(original.delivery_id, delivery_id)


def without(told: Sequence[Told], queued: Mapping[str, datetime]) -> tuple[Told, ...]:
    """What was not queued for a replay before."""
    return tuple(each for each in told if each.message.delivery_id not in queued)


def _thread(original: Message, first: Mapping[str, str]) -> str | None:
    return first.get(original.thread_of, original.thread_of) if original.thread_of else None


def _payloads(told: Told, render: Renderers, new_id: Callable[[], str]) -> Iterator[tuple[str, str]]:
    """One, but of a list as many as name every event: names of accounts may have grown since."""
    items = told.items
    while items:
        delivery_id = new_id()
        payload, named = _payload(told.message.kind, items, render, delivery_id)
        yield payload, delivery_id
        items = items[named:]


def _payload(kind: MessageKind, items: Sequence[Notification], render: Renderers, delivery_id: str) -> tuple[str, int]:
    match kind:
        case MessageKind.EVENT:
            return render.event(items[0], delivery_id), 1
        case MessageKind.ECHO:
            return render.echo(items[0], delivery_id), 1
        case MessageKind.DIGEST:
            return render.digest(items, delivery_id)
        case MessageKind.SESSION:
            return render.session(items, delivery_id)
        case MessageKind.BASELINE:
            return render.baseline(items[::-1], len(items), delivery_id), len(items)
        case MessageKind.OPS:
            raise ValueError("a message about alertd itself tells no event")
