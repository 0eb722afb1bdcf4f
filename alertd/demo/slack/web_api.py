"""The Web API's methods, as functions of the workspace and the arguments. Errors are answers, not statuses."""

from collections.abc import Callable
from typing import Any

from alertd.demo.slack.workspace import Channel, Message, RefusedError, Workspace

Arguments = dict[str, Any]
Answer = dict[str, Any]


def call(workspace: Workspace, method: str, arguments: Arguments, token: str | None) -> Answer:
    """`ok: true` with what the method gives; RefusedError otherwise."""
    if method not in METHODS:
        raise RefusedError("unknown_method")
    if not token:
        raise RefusedError("not_authed")
    if not token.startswith("xoxb-"):
        raise RefusedError("invalid_auth")
    if workspace.revoked:
        raise RefusedError("token_revoked")
    handler, scopes = METHODS[method]
    if scopes and not set(scopes) & set(workspace.scopes.split(",")):
        raise RefusedError("missing_scope", needed=scopes[0], provided=workspace.scopes)
    return {"ok": True, **handler(workspace, arguments)}


def _auth_test(workspace: Workspace, _: Arguments) -> Answer:
    return {
        "url": "https://standin.slack.com/",
        "team": "standin",
        "user": "alertd",
        "team_id": "T0STANDIN",
        "user_id": workspace.user_id,
        "bot_id": workspace.bot_id,
    }


def _post(workspace: Workspace, arguments: Arguments) -> Answer:
    channel = workspace.find(arguments.get("channel"))
    if not channel.is_member:
        raise RefusedError("channel_not_found" if channel.is_private else "not_in_channel")
    message = workspace.post(arguments, via="web", channel=channel)
    return {"channel": channel.id, "ts": message.ts, "message": _shown(workspace, message, metadata=True)}


def _history(workspace: Workspace, arguments: Arguments) -> Answer:
    channel = _member(workspace, arguments)
    oldest, latest = float(arguments.get("oldest") or 0), float(arguments.get("latest") or "inf")
    inclusive = str(arguments.get("inclusive", "")).lower() in {"1", "true"}
    found = [
        message
        for message in workspace.readable(channel)
        if message.thread_ts is None
        and (oldest < float(message.ts) < latest or (inclusive and float(message.ts) in {oldest, latest}))
    ]
    return _page(workspace, found[::-1], arguments)


def _replies(workspace: Workspace, arguments: Arguments) -> Answer:
    channel, ts = _member(workspace, arguments), arguments.get("ts")
    found = [message for message in workspace.readable(channel) if ts in {message.ts, message.thread_ts}]
    if not found:
        raise RefusedError("thread_not_found")
    return _page(workspace, found, arguments)


def _page(workspace: Workspace, messages: list[Message], arguments: Arguments) -> Answer:
    start = int(arguments.get("cursor") or 0)
    limit = min(int(arguments.get("limit") or 100), workspace.history_limit)
    metadata = str(arguments.get("include_all_metadata", "")).lower() in {"1", "true"}
    more = start + limit < len(messages)
    return {
        "messages": [_shown(workspace, message, metadata=metadata) for message in messages[start : start + limit]],
        "has_more": more,
        "response_metadata": {"next_cursor": str(start + limit) if more else ""},
    }


def _delete(workspace: Workspace, arguments: Arguments) -> Answer:
    channel, ts = workspace.find(arguments.get("channel")), arguments.get("ts")
    with workspace.lock:
        kept = [message for message in channel.messages if message.ts != ts]
        if len(kept) == len(channel.messages):
            raise RefusedError("message_not_found")
        channel.messages = kept
    return {"channel": channel.id, "ts": ts}


def _permalink(workspace: Workspace, arguments: Arguments) -> Answer:
    channel, ts = workspace.find(arguments.get("channel")), str(arguments.get("message_ts"))
    return {"permalink": f"https://standin.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"}


def _info(workspace: Workspace, arguments: Arguments) -> Answer:
    channel = workspace.find(arguments.get("channel"))
    if channel.is_private and not channel.is_member:
        raise RefusedError("channel_not_found")
    return {"channel": _described(channel)}


def _list(workspace: Workspace, _: Arguments) -> Answer:
    seen = [channel for channel in workspace.channels.values() if channel.is_member or not channel.is_private]
    return {"channels": [_described(channel) for channel in seen], "response_metadata": {"next_cursor": ""}}


def _described(channel: Channel) -> Answer:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_private": channel.is_private,
        "is_member": channel.is_member,
        "is_archived": channel.is_archived,
    }


def _member(workspace: Workspace, arguments: Arguments) -> Channel:
    channel = workspace.find(arguments.get("channel"))
    if not channel.is_member:
        raise RefusedError("not_in_channel")
    return channel


def _shown(workspace: Workspace, message: Message, *, metadata: bool) -> Answer:
    shown: Answer = {
        "type": "message",
        "subtype": "bot_message",
        "bot_id": workspace.bot_id,
        "user": workspace.user_id,
        "text": message.text,
        "ts": message.ts,
        "blocks": message.blocks,
    }
    if message.thread_ts:
        shown["thread_ts"] = message.thread_ts
    if message.metadata:
        shown["metadata"] = message.metadata if metadata else {"event_type": message.metadata.get("event_type")}
    return shown


_HISTORY = ("channels:history", "groups:history")
_READ = ("channels:read", "groups:read")
METHODS: dict[str, tuple[Callable[[Workspace, Arguments], Answer], tuple[str, ...]]] = {
    "auth.test": (_auth_test, ()),
    "chat.postMessage": (_post, ("chat:write",)),
    "chat.delete": (_delete, ("chat:write",)),
    "chat.getPermalink": (_permalink, ()),
    "conversations.history": (_history, _HISTORY),
    "conversations.replies": (_replies, _HISTORY),
    "conversations.info": (_info, _READ),
    "conversations.list": (_list, _READ),
}
