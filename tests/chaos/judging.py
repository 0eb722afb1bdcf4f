"""What people see in the channel against what happened: nothing lost, nothing told twice without a mark."""

import re
from collections import Counter
from collections.abc import Set as AbstractSet

from tests.chaos.slack_process import Seen

EVENT_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MARK = '"block_id": "possible-repeat"'


def told(seen: Seen) -> Counter[str]:
    """Event ids by the number of messages that name them."""
    return Counter(found for each in seen.shown for found in set(EVENT_ID.findall(each.payload)))


def judge(seen: Seen, happened: AbstractSet[str], *, webhook: bool) -> list[str]:
    """By webhook repeats are allowed where they are marked; by token there are none, not even deleted ones."""
    named, unmarked = told(seen), Counter[str]()
    for each in seen.shown:
        unmarked.update(set(EVENT_ID.findall(each.payload)) if MARK not in each.payload else ())
    problems = [f"lost: {event}" for event in happened - named.keys()]
    problems += [f"told, and never happened: {event}" for event in named.keys() - happened]
    problems += [f"told {times} times without a mark: {event}" for event, times in unmarked.items() if times > 1]
    if not webhook:
        problems += [f"told {times} times: {event}" for event, times in named.items() if times != 1]
        problems += [f"marked as a repeat: {each.delivery_id}" for each in seen.shown if MARK in each.payload]
        problems += [f"{seen.deleted} copies were posted and deleted"] if seen.deleted else []
    return problems
