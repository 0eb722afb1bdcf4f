"""The incoming webhook's door: a word is the whole answer, and its status says little."""

import json
from typing import Any
from urllib.parse import parse_qs

from alertd.demo.slack.limits import RefusedError
from alertd.demo.slack.workspace import Channel, Workspace

TEAM, HOOK = "T0STANDIN", "B0STANDIN"
# Statuses of a webhook's words, 400 for all others; Slack documents some of them.
STATUS = {
    "action_prohibited": 403,
    "invalid_token": 403,
    "posting_to_general_channel_denied": 403,
    "team_disabled": 403,
    "channel_not_found": 404,
    "no_active_hooks": 404,
    "no_service": 404,
    "no_service_id": 404,
    "no_team": 404,
    "channel_is_archived": 410,
    "rollup_error": 500,
    "internal_error": 500,
}


def body_of(data: bytes, content_type: str) -> dict[str, Any]:
    """JSON, or a form whose field `payload` is JSON."""
    try:
        if "x-www-form-urlencoded" in content_type:
            data = parse_qs(data.decode())["payload"][0].encode()
        elif "json" not in content_type:
            raise RefusedError("invalid_payload")
        body = json.loads(data)
    except (ValueError, KeyError) as error:
        raise RefusedError("invalid_payload") from error
    if not isinstance(body, dict):
        raise RefusedError("invalid_payload")
    return body


def post(workspace: Workspace, address: str, body: dict[str, Any]) -> None:
    """`address`: team/hook/secret. Channel, user name and icon belong to the hook: what the body says is ignored."""
    workspace.count_call("webhook")
    workspace.post(body, via="webhook", channel=_channel(workspace, address))


def _channel(workspace: Workspace, address: str) -> Channel:
    """The secret of a hook is its channel's id here."""
    team, _, rest = address.partition("/")
    hook, _, secret = rest.partition("/")
    if team != TEAM:
        raise RefusedError("no_team")
    if hook != HOOK:
        raise RefusedError("no_service")
    if secret not in workspace.channels:
        raise RefusedError("invalid_token")
    return workspace.channels[secret]
