"""What Slack refuses, or splits, by size and shape."""

import json
from typing import Any

MOST_TEXT, SPLIT_TEXT, MOST_UPDATE_TEXT = 40_000, 4_000, 4_000
MOST_BLOCKS, MOST_BLOCK_CHARACTERS, MOST_ATTACHMENTS = 50, 13_200, 100
MOST_SECTION, MOST_FIELD, MOST_FIELDS, MOST_HEADER = 3_000, 2_000, 10, 150
MOST_CONTEXT, MOST_ACTIONS, MOST_BUTTON, MOST_BLOCK_ID = 10, 25, 75, 255
MOST_METADATA = 8_000  # Slack does not say how much
_KINDS = frozenset({"section", "header", "context", "actions", "rich_text", "divider", "image", "markdown"})


class RefusedError(Exception):
    """Slack's answer is `ok: false` with this word, on webhooks the word alone."""

    def __init__(self, word: str, **more: object) -> None:
        super().__init__(word)
        self.word = word
        self.more = more


def check_message(text: str, blocks: list[dict[str, Any]], attachments: list[dict[str, Any]], *, via: str) -> None:
    """Every block in its place, everything within its size, or RefusedError."""
    if not (text or blocks or attachments):
        raise RefusedError("no_text")
    if len(text) > MOST_TEXT:
        raise RefusedError("msg_too_long")
    _check_attachments(text, blocks, attachments, via=via)
    mistakes = [
        f"{mistake} [json-pointer:/blocks/{number}]"
        for number, block in enumerate(blocks)
        if (mistake := _mistake(block))
    ]
    if len(blocks) > MOST_BLOCKS:
        mistakes.append(f"no more than {MOST_BLOCKS} items allowed [json-pointer:/blocks]")
    if mistakes:
        raise RefusedError("invalid_blocks", errors=mistakes, response_metadata={"messages": mistakes})
    if sum(len(piece) for piece in _texts(blocks)) > MOST_BLOCK_CHARACTERS:
        raise RefusedError("msg_blocks_too_long")


def listed(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Blocks or attachments: JSON, or in a form JSON as text."""
    value = body.get(name) or []
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise RefusedError(f"invalid_{name}_format" if name == "blocks" else f"invalid_{name}") from error
    if not isinstance(value, list):
        raise RefusedError(f"invalid_{name}")
    return value


def metadata(body: dict[str, Any]) -> dict[str, Any] | None:
    """An event type and a payload."""
    value = body.get("metadata")
    if not value:
        return None
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise RefusedError("invalid_metadata_format") from error
    if not isinstance(found, dict) or not isinstance(found.get("event_type"), str):
        raise RefusedError("invalid_metadata_format")
    if not isinstance(found.get("event_payload"), dict):
        raise RefusedError("invalid_metadata_schema")
    if len(json.dumps(found)) > MOST_METADATA:
        raise RefusedError("metadata_too_large")
    return found


def _check_attachments(text: str, blocks: list[dict[str, Any]], attachments: list[dict[str, Any]], *, via: str) -> None:
    if len(attachments) > MOST_ATTACHMENTS:
        raise RefusedError("too_many_attachments")
    for attachment in attachments:
        if attachment.get("blocks") and {"footer", "ts"} & attachment.keys():
            raise RefusedError("invalid_attachments")
        if not (text or blocks or {"text", "fallback", "blocks"} & attachment.keys()):
            raise RefusedError("missing_text_or_fallback_or_attachments" if via == "webhook" else "no_text")


def _mistake(block: dict[str, Any]) -> str | None:
    kind, elements, fields = block.get("type"), block.get("elements") or [], block.get("fields") or []
    size = len(_text(block))
    wrong = (
        kind not in _KINDS
        or len(str(block.get("block_id", ""))) > MOST_BLOCK_ID
        or (kind == "section" and not (size or fields))
        or (kind == "section" and (size > MOST_SECTION or len(fields) > MOST_FIELDS))
        or any(len(_text({"text": field})) > MOST_FIELD for field in fields)
        or (kind == "header" and not 0 < size <= MOST_HEADER)
        or (kind == "context" and not 0 < len(elements) <= MOST_CONTEXT)
        or (kind == "actions" and not 0 < len(elements) <= MOST_ACTIONS)
        or (kind == "actions" and any(len(_text(element)) > MOST_BUTTON for element in elements))
    )
    return f"invalid {kind} block" if wrong else None


def _text(block: dict[str, Any]) -> str:
    text = block.get("text")
    return str(text.get("text") or "") if isinstance(text, dict) else ""


def _texts(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["text"]] if isinstance(node.get("text"), str) else []
        return own + [text for value in node.values() if isinstance(value, (dict, list)) for text in _texts(value)]
    if isinstance(node, list):
        return [text for item in node for text in _texts(item)]
    return []
