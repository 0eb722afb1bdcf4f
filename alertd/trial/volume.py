"""How many messages and digests a day events would have made, had each been searchable when it happened."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from alertd.deliver.batch import MOST_SINGLE
from alertd.ledger.model import Notification, NotificationKind

# Notifications → how many of them the next list names.
CountNamed = Callable[[Sequence[Notification]], int]


@dataclass(frozen=True, slots=True)
class DayVolume:
    day: date
    events: int
    messages: int  # of one event each
    digests: int  # and lists of a session's calls


def volume(notifications: Iterable[Notification], *, named: CountNamed) -> tuple[DayVolume, ...]:
    """For one destination: every day that has events. A minute's events are taken as one burst."""
    ordered = sorted(notifications, key=lambda notification: notification.event.time)
    events: Counter[date] = Counter(each.event.time.date() for each in ordered)
    messages: Counter[date] = Counter()
    digests: Counter[date] = Counter()
    for minute, group in groupby(ordered, key=lambda each: each.event.time.replace(second=0, microsecond=0)):
        burst = list(group)
        alone = [each for each in burst if each.kind is NotificationKind.MESSAGE]
        # as alertd.deliver.batch does: a flood begins with some single messages
        messages[minute.date()] += min(len(alone), MOST_SINGLE)
        digests[minute.date()] += _lists(alone[MOST_SINGLE:], named)
        sessions = sorted((each for each in burst if each.kind is NotificationKind.SESSION), key=_session)
        for _, calls in groupby(sessions, key=_session):
            digests[minute.date()] += _lists(list(calls), named)
    return tuple(DayVolume(day, events[day], messages[day], digests[day]) for day in sorted(events))


def _lists(notifications: Sequence[Notification], named: CountNamed) -> int:
    count = 0
    while notifications:
        notifications = notifications[max(1, named(notifications)) :]
        count += 1
    return count


def _session(notification: Notification) -> str:
    return notification.event.session or ""
