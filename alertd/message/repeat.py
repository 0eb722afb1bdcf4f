"""A frozen payload once more, with the words that it may be there twice."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alertd.message.blocks import paragraph
from alertd.message.escape import escape
from alertd.message.moment import in_zones_short
from alertd.message.payload import REPEAT_ROOM, compact
from alertd.message.style import Style

# By it a marked payload is known: its words alone could be an event's.
_BLOCK_ID = "possible-repeat"


def mark_repeat(frozen: str, first_attempt: datetime, *, style: Style) -> str:
    """There is room for it in every payload. Marked once, it stays as it is: the first attempt is what matters."""
    message: Mapping[str, Any] = json.loads(frozen)  # JSON, as payload() made it
    blocks = message["blocks"]
    if any(block.get("block_id") == _BLOCK_ID for block in blocks):
        return frozen
    sent = in_zones_short(first_attempt, style.timezone)
    line = f"↩ possible repeat of an alert sent at {sent} · Slack did not confirm the first"
    note = {**paragraph(line), "block_id": _BLOCK_ID}
    return compact({**message, "text": f"{escape(line, REPEAT_ROOM)} {message['text']}", "blocks": [note, *blocks]})
