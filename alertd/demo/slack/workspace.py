"""A Slack workspace as far as alertd sees it: channels, messages, tokens, and Slack's habits of refusing."""

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

# What Slack refuses, or splits, by size.
MOST_TEXT, SPLIT_TEXT, MOST_BLOCKS, MOST_BLOCK_CHARACTERS = 40_000, 4_000, 50, 13_200
MOST_SECTION, MOST_HEADER, MOST_CONTEXT, MOST_ACTIONS = 3_000, 150, 10, 25
SCOPES = "chat:write,channels:read,channels:history,groups:read,groups:history"


class RefusedError(Exception):
    """Slack's answer is `ok: false` with this word."""

    def __init__(self, word: str, **more: object) -> None:
        super().__init__(word)
        self.word = word
        self.more = more


@dataclass(slots=True)
class Message:
    channel: str
    ts: str
    text: str
    blocks: list[dict[str, Any]]
    metadata: dict[str, Any] | None
    via: str  # "web" or "webhook"
    stored_at: float
    thread_ts: str | None = None
    suppressed: bool = False  # accepted with ok, never shown

    @property
    def delivery_id(self) -> str | None:
        if self.metadata:
            return str((self.metadata.get("event_payload") or {}).get("delivery_id") or "") or None
        marks = [str(block.get("block_id", "")) for block in self.blocks]
        return next((mark.removeprefix("alertd:") for mark in marks if mark.startswith("alertd:")), None)

    @property
    def payload(self) -> str:
        return json.dumps({"text": self.text, "blocks": self.blocks}, ensure_ascii=False)


@dataclass(slots=True)
class Channel:
    id: str
    name: str
    is_private: bool = False
    is_member: bool = True
    is_archived: bool = False
    messages: list[Message] = field(default_factory=list)
    posted_at: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Workspace:
    """Thread-safe. Its clock may differ from this machine's."""

    clock_offset_seconds: float = 0.0
    read_lag_seconds: float = 0.0  # how long after its post a message shows up in the history
    burst: int | None = None  # posts that a channel takes within a second; None: any number
    suppress_bursts: bool = False  # answer ok and hide what exceeds the burst, rather than 429
    history_limit: int = 999  # 15 for a distributed app
    scopes: str = SCOPES
    revoked: bool = False
    bot_id: str = "B0ALERTD"
    user_id: str = "U0ALERTD"
    channels: dict[str, Channel] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _last_ts: float = 0.0

    def now(self) -> float:
        return time.time() + self.clock_offset_seconds

    def add_channel(self, *, id: str, name: str, is_private: bool = False, is_member: bool = True) -> Channel:  # noqa: A002 Slack's word
        channel = Channel(id, name, is_private, is_member)
        self.channels[id] = channel
        return channel

    def find(self, name: object) -> Channel:
        wanted = str(name or "").removeprefix("#")
        for channel in self.channels.values():
            if wanted in {channel.id, channel.name}:
                return channel
        raise RefusedError("channel_not_found")

    def post(self, body: dict[str, Any], *, via: str, channel: Channel) -> Message:
        """Store a message, or raise RefusedError. A text that is too long becomes several messages."""
        with self.lock:
            if channel.is_archived:
                raise RefusedError("is_archived" if via == "web" else "channel_is_archived")
            blocks = _blocks(body)
            text = str(body.get("text") or "")
            _check_sizes(text, blocks)
            suppressed = self._exceeds_burst(channel)
            thread_ts = body.get("thread_ts")
            if thread_ts and not any(message.ts == thread_ts for message in channel.messages):
                raise RefusedError("thread_not_found")
            pieces = [text[at : at + SPLIT_TEXT] for at in range(0, len(text), SPLIT_TEXT)] or [""]
            stored = [
                Message(
                    channel.id,
                    self._next_ts(),
                    piece,
                    blocks if number == 0 else [],
                    body.get("metadata") if via == "web" else None,
                    via,
                    self.now(),
                    thread_ts,
                    suppressed,
                )
                for number, piece in enumerate(pieces)
            ]
            channel.messages += stored
            return stored[0]

    def visible(self, channel: Channel) -> list[Message]:
        with self.lock:
            return [message for message in channel.messages if not message.suppressed]

    def readable(self, channel: Channel) -> list[Message]:
        """What the history shows by now."""
        until = self.now() - self.read_lag_seconds
        return [message for message in self.visible(channel) if message.stored_at <= until]

    def _exceeds_burst(self, channel: Channel) -> bool:
        if self.burst is None:
            return False
        now = time.monotonic()
        channel.posted_at = [at for at in channel.posted_at if now - at < 1] + [now]
        if len(channel.posted_at) <= self.burst:
            return False
        if not self.suppress_bursts:
            channel.posted_at.pop()
            raise RefusedError("ratelimited", retry_after=1)
        return True

    def _next_ts(self) -> str:
        self._last_ts = max(self._last_ts + 0.000001, self.now())
        return f"{self._last_ts:.6f}"


def _blocks(body: dict[str, Any]) -> list[dict[str, Any]]:
    blocks = body.get("blocks") or []
    if isinstance(blocks, str):
        try:
            blocks = json.loads(blocks)
        except ValueError as error:
            raise RefusedError("invalid_blocks_format") from error
    return list(blocks)


def _check_sizes(text: str, blocks: list[dict[str, Any]]) -> None:
    if not text and not blocks:
        raise RefusedError("no_text")
    if len(text) > MOST_TEXT:
        raise RefusedError("msg_too_long")
    mistakes = [mistake for number, block in enumerate(blocks) if (mistake := _mistake(block, number))]
    if len(blocks) > MOST_BLOCKS:
        mistakes.append(f"no more than {MOST_BLOCKS} items allowed [json-pointer:/blocks]")
    if mistakes:
        raise RefusedError("invalid_blocks", errors=mistakes, response_metadata={"messages": mistakes})
    if sum(len(piece) for piece in _texts(blocks)) > MOST_BLOCK_CHARACTERS:
        raise RefusedError("msg_blocks_too_long")


def _mistake(block: dict[str, Any], number: int) -> str | None:
    kind = block.get("type")
    text = block.get("text", {}).get("text", "") if isinstance(block.get("text"), dict) else ""
    elements = block.get("elements", [])
    wrong = (
        (kind == "section" and not (0 < len(text) <= MOST_SECTION or block.get("fields")))
        or (kind == "header" and not 0 < len(text) <= MOST_HEADER)
        or (kind == "context" and not 0 < len(elements) <= MOST_CONTEXT)
        or (kind == "actions" and not 0 < len(elements) <= MOST_ACTIONS)
        or kind not in {"section", "header", "context", "actions", "rich_text", "divider"}
        or len(str(block.get("block_id", ""))) > 255
    )
    return f"invalid {kind} block [json-pointer:/blocks/{number}]" if wrong else None


def _texts(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["text"]] if isinstance(node.get("text"), str) else []
        return own + [text for value in node.values() if isinstance(value, (dict, list)) for text in _texts(value)]
    if isinstance(node, list):
        return [text for item in node for text in _texts(item)]
    return []
