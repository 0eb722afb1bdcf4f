"""What a channel shows of the events that went in: once, not at all, or more than once."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_EVENT_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
# Keys whose text people see. A button's address and an attachment's fallback are not among them.
_SEEN = frozenset({"text", "title", "pretext", "value"})
# The block by which alertd says that a message may be a repeat.
_REPEAT_MARK = "possible-repeat"


@dataclass(frozen=True, slots=True)
class Tally:
    """Each event counts once for each destination that it should reach."""

    events: int
    once: int
    lost: int
    repeated: int  # shown more than once, and not every surplus copy says that it may be a repeat
    marked: int  # shown more than once, and every surplus copy says so
    copies: int  # surplus copies of both, all in all

    @property
    def is_clean(self) -> bool:
        return self.events == self.once


def tally(expected: Sequence[str], channels: Sequence[Sequence[str]]) -> Tally:
    """`expected`: event ids; `channels`: the payloads (JSON) that each destination shows."""
    shown = [(plain[each], marked[each]) for plain, marked in map(_copies, channels) for each in expected]
    surplus = [(plain, marked) for plain, marked in shown if plain + marked > 1]
    return Tally(
        events=len(shown),
        once=sum(plain + marked == 1 for plain, marked in shown),
        lost=sum(plain + marked == 0 for plain, marked in shown),
        repeated=sum(plain > 1 for plain, _ in surplus),
        marked=sum(plain <= 1 for plain, _ in surplus),
        copies=sum(plain + marked - 1 for plain, marked in surplus),
    )


def named(payload: str) -> Counter[str]:
    """Event ids by the number of lines that name them. Slack shows blocks instead of the text beside them."""
    message: dict[str, Any] = json.loads(payload)  # Any: as the sender made it
    body = message.get("blocks") or {"text": message.get("text") or ""}
    texts = [*_texts(body), *_texts(message.get("attachments") or [])]
    lines = (line for text in texts for line in text.splitlines())
    return Counter(found for line in lines for found in set(_EVENT_ID.findall(line)))


def is_marked(payload: str) -> bool:
    return any(block.get("block_id") == _REPEAT_MARK for block in json.loads(payload).get("blocks") or [])


def _copies(payloads: Sequence[str]) -> tuple[Counter[str], Counter[str]]:
    plain: Counter[str] = Counter()
    marked: Counter[str] = Counter()
    for payload in payloads:
        (marked if is_marked(payload) else plain).update(named(payload))
    return plain, marked


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _texts(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in _SEEN and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
