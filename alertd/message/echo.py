"""A reply in the thread of an event that was told already: another rule set takes it too."""

from alertd.ledger.model import Notification
from alertd.message.apart import apart
from alertd.message.blocks import mark, paragraph
from alertd.message.payload import payload
from alertd.message.style import Style
from alertd.message.words import SIGNS


def render_echo(notification: Notification, *, style: Style, delivery_id: str) -> str:
    event, rule = apart(notification.event), notification.rule
    told = f"{SIGNS[rule.severity]} also matched rule {rule.id}: {rule.title}"
    return payload(
        f"{told} · {style.account_name(event)} · event {event.id}",
        [paragraph(told), mark(delivery_id, rule.id, rule.severity.value, f"event {event.id}")],
    )
