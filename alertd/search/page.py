"""What each page of a search asks for, and where the next one begins. Pure."""

import math
from datetime import timedelta
from typing import Any

from alertd.errors import RetryError
from alertd.search import Search
from alertd.search.answer import not_an_answer
from alertd.search.shape import OddError, count, items, name, table
from alertd.secret import Secrets

# Each page renews it. Long enough for a page to be recorded, short enough not to burden the server when alertd dies.
KEEP_ALIVE = "2m"
# Of the deadline, what the server may use: its own word that a search was cut off tells more than silence.
SERVER_SHARE = 0.8

# A total order. OpenSearch numbers the documents of each index anew: without _index, it would skip some.
BY_NUMBER = [{"_index": "asc"}, {"_shard_doc": "asc"}]
# OpenSearch before 3.3 has no such number. This costs its memory, so it is only asked where the other is refused.
BY_ID = [{"_index": "asc"}, {"_id": "asc"}]


def first_body(search: Search) -> dict[str, Any]:
    """Where all hits fit one page, no other is asked for."""
    return {
        "query": search.query,
        "size": search.page_size,
        "_source": list(search.fields) or False,
        "fields": list(search.fields),
        "version": True,
        "timeout": server_timeout(search.timeout),
        # counted no further than they are read: a hit that went missing on the way shows
        "track_total_hits": max(search.page_size, 1),
        "sort": ["_doc"],
    }


def pit_body(search: Search, pit: str, after: object, *, sort: object, size: int, bare: bool) -> dict[str, Any]:
    body = {**first_body(search), "pit": {"id": pit, "keep_alive": KEEP_ALIVE}, "sort": sort, "size": size}
    # nothing changes within a point in time: once is enough
    body["track_total_hits"] = after is None
    if after is not None:
        body["search_after"] = after
    return {**body, "_source": False, "fields": []} if bare else body


def last_sort(answer: object, before: object, where: str, secrets: Secrets) -> object:
    """Where the next page begins. It must move on, or the scan would never end."""
    try:
        index, number = items(table(items(table(table(answer).get("hits")).get("hits"))[-1]).get("sort"))
        last: object = [name(index), name(number) if isinstance(number, str) else count(number)]
    except (OddError, ValueError, IndexError) as error:
        raise not_an_answer(answer, where, secrets) from error
    if last == before:
        raise RetryError(f"the search server does not go on after {secrets.quote(before)} ({where})")
    return last


def server_timeout(timeout: timedelta) -> str:
    return f"{math.ceil(timeout.total_seconds() * SERVER_SHARE * 1000)}ms"
