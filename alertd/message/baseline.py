"""What a new rule set finds in the past: one message for all of it."""

from collections.abc import Sequence
from datetime import timedelta

from alertd.ledger.model import Notification
from alertd.message.blocks import header, listing, mark, paragraph
from alertd.message.line import full_line
from alertd.message.moment import span
from alertd.message.payload import fitting, payload
from alertd.message.style import Style
from alertd.message.words import counted


def render_baseline(
    newest_first: Sequence[Notification], number: int, *, style: Style, delivery_id: str, look_back: timedelta
) -> str:
    """Of so many the newest that fit are named, all are in the ledger."""
    newest = fitting(full_line(notification, style) for notification in newest_first)
    title = f"▶ Rule set {newest_first[0].rule.rule_set} started, or a rule of it changed"
    found = f"In the last {span(look_back)} it would have alerted {counted(number, 'time')}"
    which = "" if len(newest) == number else f" (newest {len(newest)} below)"
    rest = "These were not sent one by one. New events alert from now on."
    blocks = [
        header(title),
        paragraph(f"{found}{which}. {rest}"),
        *listing(newest),
        mark(delivery_id, "events from before the start"),
    ]
    return payload(f"{title}. {found}. {rest}", blocks)
