"""The delivery id that each message carries through Slack: by it alertd knows its own in a channel."""

from collections.abc import Iterator, Mapping
from typing import Any

from alertd.destination import Posted, Shown
from alertd.destination.slack.answer import as_ts

EVENT_TYPE = "alertd_delivery"
BLOCK_MARK = "alertd:"  # + delivery id, as the block_id of one block: webhooks carry no metadata


def ours(message: Mapping[str, Any], channel: str, identity: frozenset[str]) -> Shown | None:
    """A message as Slack's history has it, if it carries a mark and one of these users and bots posted it."""
    delivery_id, ts = _mark(message), as_ts(message.get("ts"))
    if not delivery_id or ts is None or not identity & ids(message.get("bot_id"), message.get("user")):
        return None
    thread_ts = as_ts(message.get("thread_ts"))
    posted = Posted(channel, ts, thread_ts if thread_ts != ts else None)
    return Shown(delivery_id, posted, "\n".join(_texts(message)))


def ids(*values: object) -> frozenset[str]:
    """Users and bots of an answer, where it names any."""
    return frozenset(value for value in values if isinstance(value, str) and value)


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "text" and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(node, list):
        for item in node:
            yield from _texts(item)


def _mark(message: Mapping[str, Any]) -> str:
    """The delivery id: in the metadata, else in a block's id."""
    match message.get("metadata"):
        case {"event_type": str(kind), "event_payload": {"delivery_id": str(delivery_id)}} if kind == EVENT_TYPE:
            return delivery_id
    blocks = message.get("blocks")
    for block in blocks if isinstance(blocks, list) else ():
        match block:
            case {"block_id": str(block_id)} if block_id.startswith(BLOCK_MARK):
                return block_id.removeprefix(BLOCK_MARK)
    return ""
