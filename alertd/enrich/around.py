"""What else an event's address did shortly before and after: the first thing that a responder looks up.

It is a help and no part of the promise: it may not hold an alert up, and where it fails the message says so.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import structlog

from alertd.errors import PartialError, PermanentError, RetryError
from alertd.event.document import Document, as_word
from alertd.event.event import Event, read_key
from alertd.event.profile import Profile
from alertd.message.words import counted
from alertd.rules.compile import Clause
from alertd.search import Hit, Search, SearchClient

REACH = timedelta(minutes=10)
# An alert that waits for it is late by as much.
TIMEOUT = timedelta(seconds=2)
# One page: with more than that, how many and which is no longer the point.
MOST_EVENTS = 100
# Events of one page of hits: what comes beyond is told in digests, which have no room for it.
MOST_LOOKED_UP = 20
# Names that are shown; the rest is counted.
MOST_NAMES = 8
FAILED = "could not be searched"

_log = structlog.get_logger("alertd.around")


def look_around(
    events: Sequence[Event], *, index: str, profile: Profile, time_fields: Sequence[str], client: SearchClient
) -> dict[str, str]:
    """By event key: "3 events from this address in ±10 min: ListBuckets (2), PutBucketPolicy", as far as they are
    searchable now. Without an address, or without another event, there is nothing. Never raises what a search raises.
    """
    found: dict[str, str] = {}
    # around when it was seen there is nothing of an event of which nobody knows when it was
    asked = [event for event in events if _is_address(event.source_address) and not event.undated][:MOST_LOOKED_UP]
    for number, event in enumerate(asked):
        fields = (*profile.key_fields, *_fields(profile, "action"))
        search = Search(index, _query(event, profile, time_fields), fields, MOST_EVENTS, TIMEOUT)
        try:
            hits = client.first_page(search)
        except (RetryError, PermanentError, PartialError) as error:
            _log.warning("look_around_failed", event_key=event.key, reason=str(error))
            # a server that does not answer this would hold up every alert of the page
            return found | {each.key: FAILED for each in asked[number:]}
        actions = _actions(event, hits, profile)
        if actions:
            found[event.key] = _told(actions, more=len(hits) == MOST_EVENTS)
    return found


def _is_address(text: str | None) -> bool:
    """A service acts under its name, and all of AWS would be around it."""
    try:
        return bool(text and ipaddress.ip_address(text))
    except ValueError:
        return False


def _query(event: Event, profile: Profile, time_fields: Sequence[str]) -> Clause:
    since, until = _moved(event.time, -REACH).isoformat(), _moved(event.time, REACH).isoformat()
    # whatever the format of the field's own dates
    limits = {"gte": since, "lte": until, "format": "strict_date_optional_time"}
    times: list[Clause] = [{"range": {name: limits}} for name in time_fields]
    # whatever the field's type: as a whole in a keyword, as a phrase in a text, as an address in an ip
    places: list[Clause] = [
        {"match_phrase": {name: event.source_address}} for name in _fields(profile, "source_address")
    ]
    return {"bool": {"filter": [_any(times), _any(places)]}}


def _moved(time: datetime, by: timedelta) -> datetime:
    """At the ends of the calendar it stays: the document chose it, and must not stop the scan."""
    try:
        return time + by
    except OverflowError:
        return time


def _any(clauses: Sequence[Clause]) -> Clause:
    return {"bool": {"should": clauses, "minimum_should_match": 1}}


def _fields(profile: Profile, fact: str) -> tuple[str, ...]:
    return tuple(".".join(path) for path in profile.paths.get(fact, ()))


def _actions(event: Event, hits: Sequence[Hit], profile: Profile) -> list[str]:
    """One for each other event, in the order of their names; a copy of an event is no other event."""
    by_key = {
        read_key(hit.source, hit.fields, index=hit.index, document_id=hit.id, profile=profile): _action(hit, profile)
        for hit in hits
    }
    by_key.pop(event.key, None)
    return sorted(by_key.values())


def _action(hit: Hit, profile: Profile) -> str:
    values = Document(hit.source, hit.fields).values(profile.paths.get("action", ()))
    return next((word for value in values if (word := as_word(value))), "unnamed")


def _told(actions: Sequence[str], *, more: bool) -> str:
    names = list(_names(actions))
    rest = f" and {len(names) - MOST_NAMES} more kinds" if len(names) > MOST_NAMES else ""
    count = f"{'at least ' if more else ''}{counted(len(actions), 'event')}"
    return f"{count} from this address in ±{REACH // timedelta(minutes=1)} min: {', '.join(names[:MOST_NAMES])}{rest}"


def _names(actions: Sequence[str]) -> Iterator[str]:
    for name in dict.fromkeys(actions):
        count = actions.count(name)
        yield f"{name} ({count})" if count > 1 else name
