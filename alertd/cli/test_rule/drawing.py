"""Hits → events → messages, for commands that show what would be told."""

from dataclasses import dataclass
from datetime import UTC, datetime

from alertd.event.event import Event, read_event
from alertd.event.profile import Profile
from alertd.ledger.model import Notification, NotificationKind
from alertd.message import Style, render_event
from alertd.message.terminal import to_terminal
from alertd.rules.model import Rule
from alertd.rules.named import with_named
from alertd.search import Hit

# Messages that are only shown carry no delivery of their own.
NO_DELIVERY = "0" * 32
# An event without a time of its own is told by when it was seen: a snapshot must not change from day to day.
UNDATED = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Drawing:
    profile: Profile
    style: Style
    seen_at: datetime = UNDATED

    def event(self, hit: Hit) -> Event:
        return read_event(
            hit.source, hit.fields, index=hit.index, document_id=hit.id, profile=self.profile, seen_at=self.seen_at
        )

    def happened(self, hit: Hit) -> datetime:
        return self.event(hit).time

    def message(self, rule: Rule, hit: Hit) -> str:
        """As a terminal shows it."""
        return "\n".join(to_terminal(draw(with_named(rule, hit.source, hit.fields), self.event(hit), self.style)))


def draw(rule: Rule, event: Event, style: Style, *, delivery_id: str = NO_DELIVERY) -> str:
    """The payload of the message."""
    notification = Notification(0, "", NotificationKind.MESSAGE, event, rule.facts, seen_at=event.time)
    return render_event(notification, style=style, delivery_id=delivery_id)
