"""The Web API's methods, as functions of the workspace and the arguments. Errors are answers, not statuses."""

from collections.abc import Callable
from typing import Any, TypeVar

from alertd.demo.slack.limits import RefusedError
from alertd.demo.slack.workspace import Channel, Message, Workspace

Arguments = dict[str, Any]
Answer = dict[str, Any]
_Item = TypeVar("_Item")


def accepted_scopes(method: str) -> tuple[str, ...]:
    return METHODS[method][1] if method in METHODS else ()


def call(workspace: Workspace, method: str, arguments: Arguments, token: str | None) -> Answer:
    """`ok: true` with what the method gives; RefusedError otherwise."""
    if method not in METHODS:
        raise RefusedError("unknown_method")
    if not token:
        raise RefusedError("not_authed")
    if not token.startswith("xoxb-"):
        raise RefusedError("invalid_auth")
    if workspace.refuses:
        raise RefusedError(workspace.refuses)
    handler, scopes = METHODS[method]
    _need(workspace, *scopes)
    workspace.count_call(method)
    return {"ok": True, **handler(workspace, arguments)}


def _need(workspace: Workspace, *scopes: str) -> None:
    """One of them."""
    if scopes and not set(scopes) & set(workspace.scopes.split(",")):
        raise RefusedError("missing_scope", needed=scopes[0], provided=workspace.scopes)


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
    if not channel.is_member and channel.is_private:
        raise RefusedError("channel_not_found")
    if not channel.is_member and "chat:write.public" not in workspace.scopes.split(","):
        raise RefusedError("not_in_channel")
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
    oldest = float(arguments.get("oldest") or 0)
    found = [
        message
        for message in workspace.readable(channel)
        if message.ts == ts or (message.thread_ts == ts and float(message.ts) > oldest)
    ]
    if not found:
        raise RefusedError("thread_not_found")
    return _page(workspace, found, arguments)


def _page(workspace: Workspace, messages: list[Message], arguments: Arguments) -> Answer:
    metadata = str(arguments.get("include_all_metadata", "")).lower() in {"1", "true"}
    shown, more = _cut(messages, arguments, most=workspace.history_limit)
    return {
        "messages": [_shown(workspace, message, metadata=metadata) for message in shown],
        "has_more": bool(more),
        "response_metadata": {"next_cursor": more},
    }


def _cut(items: list[_Item], arguments: Arguments, *, most: int) -> tuple[list[_Item], str]:
    """A page, and the cursor of the next one; "" at the end. Slack may give fewer than asked for."""
    start = int(arguments.get("cursor") or 0)
    end = start + min(int(arguments.get("limit") or 100), most)
    return items[start:end], str(end) if end < len(items) else ""


def _update(workspace: Workspace, arguments: Arguments) -> Answer:
    channel, ts = workspace.find(arguments.get("channel")), str(arguments.get("ts"))
    message = workspace.update(channel, ts, arguments)
    return {"channel": channel.id, "ts": ts, "text": message.text, "message": _shown(workspace, message, metadata=True)}


def _delete(workspace: Workspace, arguments: Arguments) -> Answer:
    channel, ts = workspace.find(arguments.get("channel")), str(arguments.get("ts"))
    workspace.delete(channel, ts)
    return {"channel": channel.id, "ts": ts}


def _permalink(workspace: Workspace, arguments: Arguments) -> Answer:
    channel, ts = workspace.find(arguments.get("channel")), str(arguments.get("message_ts"))
    workspace.message(channel, ts)
    link = f"https://standin.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


def _join(workspace: Workspace, arguments: Arguments) -> Answer:
    channel = workspace.find(arguments.get("channel"))
    if channel.is_private:
        raise RefusedError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise RefusedError("is_archived")
    channel.is_member = True
    return {"channel": _described(channel)}


def _open_socket(_: Workspace, __: Arguments) -> Answer:
    """Socket Mode wants an app's token, not a bot's."""
    raise RefusedError("not_allowed_token_type")


def _info(workspace: Workspace, arguments: Arguments) -> Answer:
    channel = workspace.find(arguments.get("channel"))
    if channel.is_private and not channel.is_member:
        raise RefusedError("channel_not_found")
    return {"channel": _described(channel)}


def _list(workspace: Workspace, arguments: Arguments) -> Answer:
    types = str(arguments.get("types") or "public_channel").split(",")
    no_archived = str(arguments.get("exclude_archived", "")).lower() in {"1", "true"}
    seen = [
        channel
        for channel in workspace.channels.values()
        if (channel.is_member or not channel.is_private)
        and ("private_channel" if channel.is_private else "public_channel") in types
        and not (channel.is_archived and no_archived)
    ]
    shown, more = _cut(seen, arguments, most=1000)
    return {"channels": [_described(channel) for channel in shown], "response_metadata": {"next_cursor": more}}


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
        raise RefusedError("channel_not_found" if channel.is_private else "not_in_channel")
    _need(workspace, "groups:history" if channel.is_private else "channels:history")
    return channel


def _shown(workspace: Workspace, message: Message, *, metadata: bool) -> Answer:
    shown: Answer = {
        "type": "message",
        "subtype": "bot_message",
        "bot_id": workspace.bot_id,
        "app_id": workspace.app_id,
        "user": workspace.user_id,
        "text": message.text,
        "ts": message.ts,
        "blocks": message.blocks,
    }
    if message.thread_ts:
        shown["thread_ts"] = message.thread_ts
    replies = [each for each in workspace.find(message.channel).messages if each.thread_ts == message.ts]
    if replies:
        shown |= {"thread_ts": message.ts, "reply_count": len(replies), "reply_users": [workspace.user_id]}
    if message.metadata:
        shown["metadata"] = message.metadata if metadata else {"event_type": message.metadata.get("event_type")}
    return shown


_HISTORY = ("channels:history", "groups:history")
_READ = ("channels:read", "groups:read")
METHODS: dict[str, tuple[Callable[[Workspace, Arguments], Answer], tuple[str, ...]]] = {
    "auth.test": (_auth_test, ()),
    "chat.postMessage": (_post, ("chat:write",)),
    "chat.update": (_update, ("chat:write",)),
    "chat.delete": (_delete, ("chat:write",)),
    "chat.getPermalink": (_permalink, ()),
    "conversations.history": (_history, _HISTORY),
    "conversations.replies": (_replies, _HISTORY),
    "conversations.info": (_info, _READ),
    "conversations.list": (_list, _READ),
    "conversations.join": (_join, ("channels:join",)),
    "apps.connections.open": (_open_socket, ()),
}
