"""How many messages events would have made."""

from datetime import UTC, date, datetime, timedelta

from alertd.event.event import Event
from alertd.ledger.model import Notification, NotificationKind
from alertd.rules.model import RuleFacts, Severity
from alertd.trial.volume import DayVolume, volume

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
RULE = RuleFacts("set", "rule", "title", Severity.LOW)


def _told(after: timedelta, kind: NotificationKind, session: str | None = None) -> Notification:
    event = Event(key=str(after), id="1", time=START + after, index="i", document_id="1", profile="p", session=session)
    return Notification(0, "security", kind, event, RULE, seen_at=event.time)


def test_a_flood_is_twenty_messages_and_then_digests() -> None:
    """As alertd.deliver.batch decides; the next day begins anew."""
    burst = [_told(timedelta(seconds=number % 60), NotificationKind.MESSAGE) for number in range(100)]
    next_day = [_told(timedelta(days=1), NotificationKind.MESSAGE)]
    days = volume([*next_day, *burst], named=lambda some: min(len(some), 30))
    assert (DayVolume(date(2026, 11, 1), 100, 20, 3), DayVolume(date(2026, 11, 2), 1, 1, 0)) == days


def test_calls_of_a_session_make_one_list_a_minute() -> None:
    """And those of another session one of their own."""
    calls = [_told(timedelta(seconds=number), NotificationKind.SESSION, "a") for number in range(50)]
    calls += [
        _told(timedelta(seconds=1), NotificationKind.SESSION, "b"),
        _told(timedelta(seconds=70), NotificationKind.SESSION, "a"),
    ]
    assert (DayVolume(date(2026, 11, 1), 52, 0, 3),) == volume(calls, named=len)
