"""What Slack's answer to a post means. One table, after Slack's documentation and what was seen in the field.

Reasons are as others wrote them: whoever asked makes them fit to be kept.
"""

import http.client
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.error import HTTPError, URLError

from alertd.destination import (
    DestinationRefused,
    NotSent,
    Outcome,
    PayloadRefused,
    Sent,
    ThreadGone,
    Throttled,
    Unknown,
)
from alertd.destination.slack.answer import as_channel, as_ts, header, json_object, moment
from alertd.destination.slack.repair import with_repair

# Slack always sends Retry-After with a 429; a proxy in between may not.
DEFAULT_RETRY_AFTER = timedelta(seconds=30)
LONGEST_RETRY_AFTER = timedelta(hours=1)

_THROTTLED = frozenset({"message_limit_exceeded", "rate_limited", "ratelimited"})
_NOT_SENT = frozenset(
    {
        "invalid_charset",
        "missing_post_type",
        "org_login_required",  # the workspace is being migrated
        "request_timeout",  # the POST did not arrive whole
        "team_added_to_org",  # the same
    }
)
_THREAD_GONE = frozenset({"cannot_reply_to_message", "thread_not_found"})
_PAYLOAD_REFUSED = frozenset(
    {
        "attachment_payload_limit_exceeded",
        "invalid_arg_name",
        "invalid_array_arg",
        "invalid_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "invalid_payload",
        "markdown_text_conflict",
        "metadata_must_be_sent_from_app",
        "metadata_too_large",
        "missing_text_or_fallback_or_attachments",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "too_many_attachments",
    }
)
_DESTINATION_REFUSED = frozenset(
    {
        "access_denied",
        "accesslimited",
        "account_inactive",
        "action_prohibited",
        "as_user_not_supported",
        "channel_is_archived",
        "channel_not_found",
        "ekm_access_denied",
        "invalid_auth",
        "invalid_token",
        "is_archived",
        "is_inactive",
        "messages_tab_disabled",
        "missing_scope",
        "no_active_hooks",
        "no_permission",
        "no_service",
        "no_service_id",
        "no_team",
        "not_allowed_token_type",
        "not_authed",
        "not_in_channel",
        "posting_to_general_channel_denied",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        "slack_connect_canvas_sharing_blocked",
        "slack_connect_file_link_sharing_blocked",
        "team_access_not_granted",
        "team_disabled",
        "team_not_found",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
        "user_not_found",
    }
)
# What may be said of a token that was replaced: its file is worth another look.
OF_TOKEN = frozenset(
    {
        "account_inactive",
        "invalid_auth",
        "invalid_token",
        "missing_scope",
        "not_allowed_token_type",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)
# internal_error, fatal_error, service_unavailable, rollup_error, duplicate_*_not_found and every word that is not in a
# table are Unknown: "it's possible some aspect of the operation succeeded".

_HTTP_OK = 200
_HTTP_TOO_MANY = 429


def of_word(word: str, detail: str = "", *, retry_after: timedelta = DEFAULT_RETRY_AFTER) -> Outcome:
    """`word` is Slack's own for the error, the same in the Web API and as the body of a webhook's answer."""
    reason = f"{word} ({detail})" if detail else word
    if word in _THROTTLED:
        return Throttled(retry_after, reason)
    if word in _NOT_SENT:
        return NotSent(reason)
    if word in _THREAD_GONE:
        return ThreadGone(reason)
    if word in _PAYLOAD_REFUSED:
        return PayloadRefused(reason)
    if word in _DESTINATION_REFUSED:
        return DestinationRefused(with_repair(reason, word))
    return Unknown(reason)


def of_exception(error: OSError | http.client.HTTPException) -> Outcome:
    """urllib wraps in URLError what fails before the request is written whole; what fails later comes out bare."""
    if isinstance(error, URLError) and not isinstance(error, HTTPError):
        return NotSent(f"no connection: {error.reason}")
    return Unknown(f"no answer: {type(error).__name__} {error}".rstrip())


def of_web_answer(status: int, headers: Mapping[str, str], data: object, *, now: datetime) -> Outcome:
    """The answer of chat.postMessage. `data`: the decoded JSON, or text where it was none."""
    wait = retry_after(headers, now=now)
    said = data if isinstance(data, dict) else {}
    if said.get("ok") is True and status == _HTTP_OK:
        ts, channel = as_ts(said.get("ts")), as_channel(said.get("channel"))
        return Sent(channel, ts) if ts and channel else Unknown("ok, but without ts and channel")
    # whatever else it says: one that names a message, or says "ok" in any way, may have posted it
    if said.get("ok") or "ts" in said:
        return Unknown(f"HTTP {status}, and yet: {data}")
    if status == _HTTP_TOO_MANY:
        return Throttled(wait, "429")
    word = said.get("error")
    if said.get("ok") is False and isinstance(word, str):
        return of_word(word, _detail(said), retry_after=wait)
    return Unknown(f"HTTP {status} without a Slack answer: {data}")


def of_webhook_answer(status: int, headers: Mapping[str, str], body: str, *, now: datetime) -> Outcome:
    """By the word in the body first: the status of some words is not documented. Success is "ok", not the status."""
    wait = retry_after(headers, now=now)
    text, data = body.strip(), json_object(body) or {}
    if status == _HTTP_OK and (text == "ok" or data.get("ok") is True):
        return Sent()
    if text == "ok" or data.get("ok"):
        return Unknown(f"HTTP {status}, and yet: {text}")
    if status == _HTTP_TOO_MANY:
        return Throttled(wait, "429")
    word = data.get("error", text)
    outcome = of_word(word, retry_after=wait) if isinstance(word, str) else Unknown("")
    return Unknown(f"HTTP {status}: {text}") if isinstance(outcome, Unknown) else outcome


def retry_after(headers: Mapping[str, str], *, now: datetime) -> timedelta:
    """Seconds, whole or not, or an HTTP date; bounded, for what is absurd."""
    text = (header(headers, "retry-after") or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        date = moment(text)
        return min(max(date - now, timedelta(0)), LONGEST_RETRY_AFTER) if date else DEFAULT_RETRY_AFTER
    if not math.isfinite(seconds):
        return DEFAULT_RETRY_AFTER
    return min(
        max(timedelta(seconds=min(seconds, LONGEST_RETRY_AFTER.total_seconds())), timedelta(0)), LONGEST_RETRY_AFTER
    )


def _detail(data: Mapping[str, object]) -> str:
    """What the Web API adds to its word: the missing scope, or where in the blocks the mistake is."""
    needed = data.get("needed")
    if isinstance(needed, str):
        return f"needs the scope {needed}"
    errors = data.get("errors")
    metadata = data.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    lines = errors if isinstance(errors, list) and errors else messages
    return "; ".join(str(line) for line in lines) if isinstance(lines, list) else ""
