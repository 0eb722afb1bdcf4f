"""One event as one line of a list: clean, and short enough for dozens in a message. The year stands above them."""

from alertd.event.event import Event
from alertd.ledger.model import Notification
from alertd.message import words
from alertd.message.apart import apart
from alertd.message.blocks import MOST_ID
from alertd.message.escape import clean
from alertd.message.style import Style

# Of any one part of a line but the event id, which is whole.
_MOST_PART = 60
_GAP = "  "


def full_line(notification: Notification, style: Style) -> str:
    """When, how grave, which account, what, from where, which event, by which rule."""
    event, rule = apart(notification.event), notification.rule
    known = style.known(event)
    second = words.factor(event) if words.is_sign_in(event) else None
    announced = style.expects(event, rule)
    return _joined(
        _time(event),
        words.EXPECTED if announced else words.SIGNS[rule.severity],
        known.name if known else None,
        _account(event),
        " ".join(part for part in (event.action, words.outcome(event)) if part) + (f", {second}" if second else ""),
        event.source_address,
        f"expected: {announced}" if announced else None,
        whole=event.id,
        last=rule.id,
    )


def short_line(notification: Notification) -> str:
    """Never longer than the full one: as many of these fit into a message as of those."""
    event = apart(notification.event)
    return _joined(_time(event), _account(event), whole=event.id)


def _time(event: Event) -> str:
    return f"{'seen ' if event.undated else ''}{event.time:%m-%d %H:%M:%S}"


def _account(event: Event) -> str:
    return event.account or "unknown account"


def _joined(*parts: str | None, whole: str, last: str = "") -> str:
    cleaned = [clean(part, _MOST_PART) for part in parts if part]
    return _GAP.join(part for part in (*cleaned, clean(whole, MOST_ID), clean(last, _MOST_PART)) if part)
