"""Questions about a source as a whole: the server's time, its newest document's, and which values a field has. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from alertd.search.shape import OddError, items, table

# Nobody has more accounts; a server refuses 65,536 and more.
MOST_VALUES = 10_000
# A request's first line may have 4,096 bytes; the rest of it is for the index and the parameters.
MOST_FIELD_CHARACTERS = 2_000
# As milliseconds it would be the year 33658.
_NANOS_FROM = 10**15


def newest_body(field: str) -> dict[str, Any]:
    """Cheap however many there are: sorted by time, the servers look at the newest segments only. A document that is
    dated in the future says nothing about now."""
    return {
        "query": {"range": {field: {"lte": "now"}}},
        "size": 1,
        "_source": False,
        "track_total_hits": False,
        # in milliseconds, also where an index keeps nanoseconds
        "sort": [{field: {"order": "desc", "unmapped_type": "date", "numeric_type": "date"}}],
    }


def newest_of(answer: object) -> datetime | None:
    """OddError: this is no such answer."""
    found = items(table(table(answer).get("hits")).get("hits"))
    if not found:
        return None
    sort = items(table(found[0]).get("sort"))
    if len(sort) != 1 or type(sort[0]) not in {int, float}:
        raise OddError
    try:
        millis = int(float(str(sort[0]))) if isinstance(sort[0], float) else int(str(sort[0]))
        # a server that does not know numeric_type
        if millis > _NANOS_FROM:
            millis //= 1_000_000
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)
    except (ValueError, OverflowError) as error:
        raise OddError from error


def now_body(field: str) -> dict[str, Any]:
    """Whoever may search may ask this, and no document is counted for it. The field need not exist."""
    return {
        "query": {"match_none": {}},
        "size": 0,
        "aggs": {"now": {"date_range": {"field": field, "ranges": [{"to": "now"}]}}},
    }


def now_of(answer: Mapping[str, Any]) -> datetime | None:
    """KeyError, TypeError, ValueError, IndexError: this is no such answer."""
    millis = float(answer["aggregations"]["now"]["buckets"][0]["to"])
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)


def distinct_body(query: Mapping[str, object], fields: Iterable[str]) -> dict[str, Any]:
    return {
        "query": query,
        "size": 0,
        "track_total_hits": False,
        "aggs": {name: {"terms": {"field": name, "size": MOST_VALUES}} for name in fields},
    }


def distinct_of(answer: object) -> frozenset[str]:
    """Of all fields together. OddError: this is no such answer."""
    values = table(table(answer).get("aggregations", {})).values()
    keys = [table(bucket).get("key") for value in values for bucket in items(table(value).get("buckets"))]
    if not all(isinstance(key, (str, int, float)) for key in keys):
        raise OddError
    return frozenset(map(str, keys))


def aggregatable(fields: Iterable[str], types: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """The fields, or the keyword that a dynamic mapping puts below a text, as far as there are any."""
    wanted = [name if types.get(name, frozenset({"text"})) != {"text"} else f"{name}.keyword" for name in fields]
    return tuple(dict.fromkeys(name for name in wanted if types.get(name, frozenset({"text"})) != {"text"}))


def portions(fields: tuple[str, ...]) -> Iterator[str]:
    """As they fit into requests."""
    some = ""
    for field in fields:
        if some and len(some) + len(field) > MOST_FIELD_CHARACTERS:
            yield some
            some = ""
        some = f"{some},{field}" if some else field
    if some:
        yield some
