"""A frozen payload once more, with the words that it is no second event: a possible repeat, or a replay."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alertd.message.blocks import Block, paragraph
from alertd.message.escape import escape
from alertd.message.moment import in_zones_short
from alertd.message.payload import REPEAT_ROOM, compact
from alertd.message.style import Style

# By these a marked payload is known: its words alone could be an event's.
_REPEAT, _REPLAY = "possible-repeat", "replay"


def mark_repeat(frozen: str, first_attempt: datetime, *, style: Style) -> str:
    """There is room for it in every payload. Marked once, it stays as it is: the first attempt is what matters."""
    sent = in_zones_short(first_attempt, style.timezone)
    line = f"↩ possible repeat of an alert sent at {sent} · Slack did not confirm the first"
    return _marked(frozen, {**paragraph(line), "block_id": _REPEAT})


def mark_replay(payload: str, told_at: datetime, *, style: Style) -> str:
    """The same for what an operator wants told again. It may become a possible repeat of its own: Slack takes both."""
    told = in_zones_short(told_at, style.timezone)
    line = f"⟲ replay, asked for by an operator: no new event · first told at {told}"
    return _marked(payload, {**paragraph(line), "block_id": _REPLAY})


def keep_marks(refused: str, plainer: str) -> str:
    """What the refused payload said of itself, the plainer one must say too."""
    for block in reversed(_blocks(refused)):
        if block.get("block_id") in {_REPEAT, _REPLAY}:
            plainer = _marked(plainer, block)
    return plainer


def _marked(frozen: str, note: Block) -> str:
    message: Mapping[str, Any] = json.loads(frozen)  # JSON, as payload() made it
    blocks = message["blocks"]
    if any(block.get("block_id") == note["block_id"] for block in blocks):
        return frozen
    words = escape(_words(note), REPEAT_ROOM)
    return compact({**message, "text": f"{words} {message['text']}", "blocks": [note, *blocks]})


def _blocks(frozen: str) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = json.loads(frozen)["blocks"]
    return blocks


def _words(note: Mapping[str, Any]) -> str:
    return str(note["text"]["text"])
