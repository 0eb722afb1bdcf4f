"""What is sent where Slack refused the full message: plain words in the plainest blocks.

It needs nothing but the ledger's own values, and names as many events as the refused message did.
"""

from collections.abc import Sequence

from alertd.ledger.model import Notification
from alertd.message.apart import apart, joined
from alertd.message.blocks import MOST_NAMED_ID, Block, mark, paragraph, plain_listing
from alertd.message.escape import clean
from alertd.message.line import short_line
from alertd.message.moment import stamp
from alertd.message.payload import fitting, payload
from alertd.message.words import counted

_MOST_REASON = 200


def render_minimal(notifications: Sequence[Notification], reason: str, delivery_id: str) -> str:
    why = f"Slack refused the full message: {joined(clean(reason, _MOST_REASON))}"
    about = _about(notifications)
    listed = _all(notifications) if len(notifications) > 1 else []
    return payload(f"{about} · {why}", [paragraph(about), *listed, paragraph(why), mark(delivery_id)])


def _about(notifications: Sequence[Notification]) -> str:
    if not notifications:
        return "⚠ alertd has something to say about itself: see its log, or alertd status"
    if len(notifications) == 1:
        return _one(notifications[0])
    return f"alertd: {counted(len(notifications), 'event')}"


def _one(told: Notification) -> str:
    event, rule = apart(told.event), told.rule
    parts = (
        f"rule {rule.id}",
        rule.severity.value,
        f"account {event.account or 'unknown'}",
        event.action or "unnamed action",
        stamp(event),
        f"event {event.id}",
        f"key {joined(event.key)}",
    )
    return " · ".join(clean(part, MOST_NAMED_ID) for part in parts)


def _all(notifications: Sequence[Notification]) -> list[Block]:
    newest = fitting(short_line(notification) for notification in reversed(notifications))
    # Only the list of what is older than a rule has more than fit.
    rest = len(notifications) - len(newest)
    more = [f"{counted(rest, 'older event')}: alertd explain knows them"] if rest else []
    return plain_listing([*reversed(newest), *more])
