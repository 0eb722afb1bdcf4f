"""Points in time and lengths of it, in words."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from alertd.event.event import Event

# CloudTrail needs up to ten minutes itself: only what takes longer is worth saying.
LATE = timedelta(minutes=15)
_UNITS = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min"))
# 90 min say more than 1 h, and 25 h more than 1 d.
_AT_LEAST = 2
_TO = "\u2013"  # the dash between two times


def in_zones(moment: datetime, zone: ZoneInfo) -> str:
    """2026-11-23 13:05:12 UTC · 22:05 JST"""
    there = _local(moment, zone)
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" + (f" · {there}" if there else "")


def in_zones_short(moment: datetime, zone: ZoneInfo) -> str:
    """2026-11-23 13:05 UTC · 22:05 JST"""
    there = _local(moment, zone)
    return f"{moment:%Y-%m-%d %H:%M} UTC" + (f" · {there}" if there else "")


def between(moments: list[datetime]) -> str:
    """2026-11-23 13:05-13:11 UTC; with both days where they differ."""
    first, last = min(moments), max(moments)
    until = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}"
    return (
        f"{first:%Y-%m-%d %H:%M}{_TO}{until} UTC"
        if last - first >= timedelta(minutes=1)
        else f"{first:%Y-%m-%d %H:%M} UTC"
    )


def span(length: timedelta) -> str:
    """41 s, 90 min, 6 h, 31 d: in the largest unit of which there are two."""
    for unit, name in _UNITS:
        if length >= _AT_LEAST * unit:
            return f"{length // unit} {name}"
    return f"{length // timedelta(seconds=1)} s"


def delay(event: Event, seen_at: datetime) -> str:
    """How long it took until alertd could see it. Not "ago": the message may be read, and sent, much later."""
    late = seen_at - event.time
    if late < timedelta(0):
        return f"dated {span(-late)} in the future"
    if late > LATE:
        return f"arrived {span(late)} late"
    return f"seen {span(late)} later"


def happened(event: Event, zone: ZoneInfo, seen_at: datetime) -> tuple[str, ...]:
    """When, and how late it was seen; where nobody knows when, that alone is what can be said."""
    if event.undated:
        return "time unknown", f"seen at {in_zones(seen_at, zone)}"
    return in_zones(event.time, zone), delay(event, seen_at)


def stamp(event: Event) -> str:
    """2026-11-23 13:05:12 UTC"""
    moment = f"{event.time:%Y-%m-%d %H:%M:%S} UTC"
    return f"time unknown, seen {moment}" if event.undated else moment


def _local(moment: datetime, zone: ZoneInfo) -> str | None:
    """The wall clock there; with its day where that is another one."""
    try:
        there = moment.astimezone(zone)
    except OverflowError:  # at the ends of the calendar
        return None
    if there.utcoffset() == timedelta(0) and there.tzname() == UTC.tzname(None):
        return None
    day = f" on {there:%Y-%m-%d}" if there.date() != moment.date() else ""
    return f"{there:%H:%M %Z}{day}"
