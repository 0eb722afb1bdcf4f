"""A Slack workspace as far as alertd sees it: channels, messages, tokens, and Slack's habits of refusing."""

import json
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from alertd.demo.slack import limits
from alertd.demo.slack.limits import MOST_UPDATE_TEXT, SPLIT_TEXT, RefusedError

SCOPES = "chat:write,channels:read,channels:history,groups:read,groups:history"
_BARE_AMPERSAND = re.compile(r"&(?!amp;|lt;|gt;)")


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
    client_msg_id: str | None = None
    attachments: list[dict[str, Any]] = field(default_factory=list)

    @property
    def delivery_id(self) -> str | None:
        return delivery_id({"metadata": self.metadata, "blocks": self.blocks})

    @property
    def payload(self) -> str:
        old = {"attachments": self.attachments} if self.attachments else {}
        return json.dumps({"text": self.text, "blocks": self.blocks, **old}, ensure_ascii=False)


def delivery_id(body: dict[str, Any]) -> str | None:
    """alertd's mark on a message that is posted or stored."""
    metadata, blocks = body.get("metadata"), body.get("blocks")
    payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
    if isinstance(payload, dict) and payload.get("delivery_id"):
        return str(payload["delivery_id"])
    listed = blocks if isinstance(blocks, list) else []
    marks = [str(block.get("block_id", "")) for block in listed if isinstance(block, dict)]
    return next((mark.removeprefix("alertd:") for mark in marks if mark.startswith("alertd:")), None)


@dataclass(slots=True)
class Channel:
    id: str
    name: str
    is_private: bool = False
    is_member: bool = True
    is_archived: bool = False
    refuses: str | None = None  # every post to it, with this word: "restricted_action", "no_active_hooks", …
    messages: list[Message] = field(default_factory=list)
    posted_at: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Workspace:
    """Thread-safe. Its clock may differ from this machine's."""

    clock_offset_seconds: float = 0.0
    read_lag_seconds: float = 0.0  # how long after its post a message shows up in the history
    burst: int | None = None  # posts that a channel takes within a second; None: any number
    suppress_bursts: bool = False  # answer ok and hide what exceeds the burst, rather than 429
    per_minute: dict[str, int] = field(default_factory=dict)  # calls of a method before its 429; others are unaffected
    history_limit: int = 999  # 15 for a distributed app
    scopes: str = SCOPES
    refuses: str | None = None  # every call by token, with this word: "token_revoked", "account_inactive", …
    client_msg_id: Literal["ignored", "deduplicated", "dropped"] = "ignored"  # what becomes of one seen before
    bot_id: str = "B0ALERTD"
    user_id: str = "U0ALERTD"
    app_id: str = "A0ALERTD"
    channels: dict[str, Channel] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _last_ts: float = 0.0
    _called_at: dict[str, list[float]] = field(default_factory=dict)

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

    def count_call(self, method: str) -> None:
        """RefusedError where the method was called too often within a minute."""
        most = self.per_minute.get(method)
        if most is None:
            return
        with self.lock:
            now = time.monotonic()
            recent = [at for at in self._called_at.get(method, ()) if now - at < 60]
            if len(recent) >= most:
                raise RefusedError("ratelimited", retry_after=max(1, round(60 - (now - recent[0]))))
            self._called_at[method] = [*recent, now]

    def post(self, body: dict[str, Any], *, via: str, channel: Channel) -> Message:
        """Store a message, or raise RefusedError. A text that is too long becomes several messages."""
        with self.lock:
            if channel.is_archived:
                raise RefusedError("is_archived" if via == "web" else "channel_is_archived")
            if channel.refuses:
                raise RefusedError(channel.refuses)
            message = self._message(body, via=via, channel=channel)
            known = self._posted_before(channel, message.client_msg_id)
            if known:
                return known if self.client_msg_id == "deduplicated" else message
            message.suppressed = self._exceeds_burst(channel)
            stored = [
                message,
                *(self._continued(message, at) for at in range(SPLIT_TEXT, len(message.text), SPLIT_TEXT)),
            ]
            message.text = message.text[:SPLIT_TEXT]
            channel.messages += stored
            return message

    def update(self, channel: Channel, ts: str, body: dict[str, Any]) -> Message:
        """New text and blocks for a message; whoever saw it is not told."""
        with self.lock:
            message = self.message(channel, ts)
            text, blocks = str(body.get("text") or ""), limits.listed(body, "blocks")
            if len(text) > MOST_UPDATE_TEXT:
                raise RefusedError("msg_too_long")
            limits.check_message(text, blocks, [], via="web")
            message.text, message.blocks = _escaped(text), blocks
            return message

    def delete(self, channel: Channel, ts: str) -> None:
        with self.lock:
            channel.messages.remove(self.message(channel, ts))

    def message(self, channel: Channel, ts: str) -> Message:
        with self.lock:
            for message in channel.messages:
                if message.ts == ts:
                    return message
        raise RefusedError("message_not_found")

    def visible(self, channel: Channel) -> list[Message]:
        with self.lock:
            return [message for message in channel.messages if not message.suppressed]

    def readable(self, channel: Channel) -> list[Message]:
        """What the history shows by now."""
        until = self.now() - self.read_lag_seconds
        return [message for message in self.visible(channel) if message.stored_at <= until]

    def _message(self, body: dict[str, Any], *, via: str, channel: Channel) -> Message:
        blocks, attachments = limits.listed(body, "blocks"), limits.listed(body, "attachments")
        text, thread_ts = str(body.get("text") or ""), body.get("thread_ts")
        limits.check_message(text, blocks, attachments, via=via)
        metadata = limits.metadata(body) if via == "web" else None
        if thread_ts and not any(message.ts == thread_ts for message in channel.messages):
            raise RefusedError("thread_not_found")
        return Message(
            channel=channel.id,
            ts=self._next_ts(),
            text=_escaped(text),
            blocks=blocks,
            metadata=metadata,
            via=via,
            stored_at=self.now(),
            thread_ts=thread_ts,
            client_msg_id=body.get("client_msg_id"),
            attachments=attachments,
        )

    def _continued(self, message: Message, start: int) -> Message:
        """A further piece of a long text: a message of its own, which nobody is told of."""
        text = message.text[start : start + SPLIT_TEXT]
        return Message(
            message.channel,
            self._next_ts(),
            text,
            [],
            message.metadata,
            message.via,
            message.stored_at,
            message.thread_ts,
            message.suppressed,
        )

    def _posted_before(self, channel: Channel, client_msg_id: str | None) -> Message | None:
        if self.client_msg_id == "ignored" or client_msg_id is None:
            return None
        return next((message for message in channel.messages if message.client_msg_id == client_msg_id), None)

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


def _escaped(text: str) -> str:
    """Slack escapes what the sender did not."""
    return _BARE_AMPERSAND.sub("&amp;", text)
