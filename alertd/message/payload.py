"""Blocks → the JSON that is frozen and posted: always within Slack's limits, the same for the same blocks."""

import json
from collections.abc import Iterable, Mapping, Sequence

from alertd.message.blocks import Block, paragraph
from alertd.message.escape import escape, size

# Slack splits a text of 4,000 characters into several messages: people would read them as repeats.
MOST_TEXT = 2_500
# Slack takes 50 blocks, and some 13,200 characters in all of them (measured by others; it does not say).
MOST_BLOCKS = 40
MOST_CHARACTERS = 9_000
# Kept free in what is frozen, so that "possible repeat" can be added to anything.
REPEAT_ROOM = 200
# What a list leaves for the header, the words above it and the mark.
_FRAME = 1_500
_SHORTENED = "… shortened: the whole message is more than Slack takes. The event is in the index by its id below."


def payload(text: str, blocks: Sequence[Block]) -> str:
    """`text` is what a lock screen shows and a screen reader says. The last block is the mark."""
    return compact({"text": escape(text, MOST_TEXT - REPEAT_ROOM) or "-", "blocks": _within(blocks)})


def compact(message: Mapping[str, object]) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def characters(node: object) -> int:
    """More than Slack can count: every text in it, be it shown or not."""
    if isinstance(node, str):
        return size(node)
    if isinstance(node, Mapping):
        return sum(map(characters, node.values()))
    if isinstance(node, Sequence):
        return sum(map(characters, node))
    return 0


def fitting(lines: Iterable[str]) -> list[str]:
    """The first lines of line.py that fit into one message: dozens, and never none. Takes no more than it needs."""
    room = MOST_CHARACTERS - REPEAT_ROOM - _FRAME
    fit: list[str] = []
    for line in lines:
        room -= size(line) + 1
        if room < 0:
            break
        fit.append(line)
    return fit


def _within(blocks: Sequence[Block]) -> list[Block]:
    """All of them, as nearly always; else the first that fit, a note, and the mark."""
    room = MOST_CHARACTERS - REPEAT_ROOM
    if characters(blocks) <= room and len(blocks) < MOST_BLOCKS:
        return list(blocks)
    end = [paragraph(_SHORTENED), blocks[-1]]
    kept = list(blocks[:-1])
    while characters([*kept, *end]) > room or len(kept) + len(end) >= MOST_BLOCKS:
        kept.pop()
    return kept + end
