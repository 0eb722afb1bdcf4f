"""Blocks → the frozen JSON, always within Slack's limits."""

import json

from alertd.message.escape import clean, cut, escape, size

Block = dict[str, object]

# Slack: 150, 3,000 and 4,000 characters, 50 blocks, some 13,200 characters together. Ours leave room.
MOST_HEADER, MOST_SECTION, MOST_TEXT = 150, 2_800, 2_500
MOST_BLOCKS, MOST_ALTOGETHER = 40, 9_000
MOST_URL = 2_900
MARK = "alertd:"
SHORT_MARK = 6  # characters of the delivery id that people see


def payload(text: str, blocks: list[Block]) -> str:
    """`text`, already plain words, is the notification and what screen readers say; Slack parses it."""
    return json.dumps({"text": escape(text, MOST_TEXT), "blocks": blocks[:MOST_BLOCKS]}, ensure_ascii=False)


def header(text: str) -> Block:
    return {"type": "header", "text": _plain(text, MOST_HEADER)}


def fields(pairs: list[tuple[str, str, bool]]) -> Block:
    """Lines of (label, value, whether it is bold): rich text, in which nothing is parsed."""
    elements: list[Block] = []
    for label, value, bold in pairs:
        style = {"style": {"bold": True}} if bold else {}
        elements.append({"type": "text", "text": f"{label}  ", "style": {"bold": True}})
        elements.append({"type": "text", "text": clean(value, 600) + "\n", **style})
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}


def lines(texts: list[str]) -> Block:
    """Lines as they are, in a fixed width."""
    content = [{"type": "text", "text": "\n".join(texts)}]
    return {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": content}]}


def paragraph(text: str) -> Block:
    return {"type": "section", "text": _plain(text, MOST_SECTION)}


def buttons(links: list[tuple[str, str]]) -> Block | None:
    elements = [
        {"type": "button", "action_id": f"link-{number}", "text": _plain(words, 75), "url": url}
        for number, (words, url) in enumerate(links)
        if len(url) <= MOST_URL
    ]
    return {"type": "actions", "elements": elements} if elements else None


def mark(delivery_id: str, *words: str) -> Block:
    """The last line: what the message is about, for search, and the mark by which it is found again."""
    text = " · ".join((*words, delivery_id[:SHORT_MARK]))
    return {"type": "context", "block_id": f"{MARK}{delivery_id}", "elements": [_plain(text, 1_000)]}


def fitting(texts: list[str], room: int) -> int:
    """How many of the lines fit."""
    used = 0
    for count, text in enumerate(texts):
        used += size(text) + 1
        if used > room:
            return count
    return len(texts)


def _plain(text: str, most: int) -> Block:
    return {"type": "plain_text", "text": cut(clean(text, most), most) or "-", "emoji": False}
