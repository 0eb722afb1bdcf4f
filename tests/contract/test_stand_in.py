"""The stand-in's Web API behaves as Slack's: with the real slack-sdk over real sockets, so that it can be trusted."""

import json
import time
import urllib.parse
import urllib.request
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from alertd.demo.slack import SlackStandIn
from tests.contract.slack_calls import CHANNEL, METADATA, PRIVATE, TOKEN, refusal, section


def texts(messages: object) -> list[str]:
    assert isinstance(messages, list)
    return [message["text"] for message in messages]


# Web API: answers


def test_a_post_answers_with_its_channel_ts_and_message(web: WebClient, standin: SlackStandIn) -> None:
    """A channel's name is taken, its id given; ts has six decimals and only grows."""
    answers = [web.chat_postMessage(channel="#aws-root", text="a & b &amp; c", metadata=METADATA) for _ in range(20)]
    stamps = [str(answer["ts"]) for answer in answers]
    assert CHANNEL == answers[0]["channel"]
    assert sorted(set(stamps)) == stamps
    assert {6} == {len(stamp.partition(".")[2]) for stamp in stamps}
    message = answers[0]["message"]
    assert "a &amp; b &amp; c" == message["text"]
    assert METADATA == message["metadata"]
    assert {"bot_id", "app_id", "user", "type", "ts", "blocks"} <= message.keys()


def test_every_answer_tells_scopes_and_date(web: WebClient, standin: SlackStandIn) -> None:
    """Refusals too. The date is Slack's own."""
    standin.workspace.clock_offset_seconds = 7200
    answers = [web.auth_test(), refusal(lambda: web.chat_postMessage(channel="C0NOWHERE", text="x"))]
    for answer in answers:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        assert standin.workspace.scopes == headers["x-oauth-scopes"]
        assert "date" in headers
    assert (
        "chat:write" == {name.lower(): value for name, value in answers[1].headers.items()}["x-accepted-oauth-scopes"]
    )
    assert {"url", "team", "user", "team_id", "user_id", "bot_id"} <= answers[0].data.keys()


def test_arguments_come_as_json_as_a_form_or_in_the_address(standin: SlackStandIn) -> None:
    """JSON without its charset is taken with a warning, which is no error."""
    arguments = {"channel": CHANNEL, "text": "x"}
    encoded = urllib.parse.urlencode(arguments)
    for data, kind, query in (
        (json.dumps(arguments), "application/json; charset=utf-8", ""),
        (json.dumps(arguments), "application/json", ""),
        (encoded, "application/x-www-form-urlencoded", ""),
        (None, "", f"?{encoded}"),
    ):
        headers = {"Authorization": f"Bearer {TOKEN}", **({"Content-Type": kind} if kind else {})}
        request = urllib.request.Request(
            f"{standin.url}chat.postMessage{query}", data.encode() if data else None, headers
        )
        with urllib.request.urlopen(request, timeout=2) as answer:
            body = json.load(answer)
        assert body["ok"] is True
        assert (kind == "application/json") == (body.get("warning") == "missing_charset")
    assert 4 == len(standin.messages(CHANNEL))


# Web API: refusals


@pytest.mark.parametrize(
    ("token", "word"), [("", "not_authed"), ("nonsense", "invalid_auth"), ("xoxb-test-token", None)]
)
def test_a_token_is_asked_for(standin: SlackStandIn, token: str, word: str | None) -> None:
    web = WebClient(token, base_url=standin.url, retry_handlers=[])
    if word is None:
        assert web.auth_test()["ok"]
        return
    answer = refusal(web.auth_test)
    assert (200, word) == (answer.status_code, answer["error"])


@pytest.mark.parametrize(
    "word", ["account_inactive", "token_revoked", "token_expired", "team_access_not_granted", "ekm_access_denied"]
)
def test_a_token_that_lost_its_rights_is_refused_everywhere(web: WebClient, standin: SlackStandIn, word: str) -> None:
    """Until somebody repairs it."""
    standin.workspace.refuses = word
    calls = (web.auth_test, lambda: web.chat_postMessage(channel=CHANNEL, text="x"))
    assert [word, word] == [refusal(call)["error"] for call in calls]
    standin.workspace.refuses = None
    assert web.auth_test()["ok"]


@pytest.mark.parametrize("word", ["restricted_action", "restricted_action_read_only_channel", "no_permission"])
def test_a_channel_may_refuse_posts_and_still_be_read(web: WebClient, standin: SlackStandIn, word: str) -> None:
    standin.workspace.channels[CHANNEL].refuses = word
    assert word == refusal(lambda: web.chat_postMessage(channel=CHANNEL, text="x"))["error"]
    assert web.conversations_history(channel=CHANNEL)["ok"]


def test_a_missing_scope_is_named_with_what_there_is(web: WebClient, standin: SlackStandIn) -> None:
    standin.workspace.scopes = "channels:read"
    answer = refusal(lambda: web.chat_postMessage(channel=CHANNEL, text="x"))
    assert ("missing_scope", "chat:write", "channels:read") == (answer["error"], answer["needed"], answer["provided"])


def test_methods_and_token_types_that_there_are_not_are_refused(web: WebClient) -> None:
    assert "unknown_method" == refusal(lambda: web.api_call("chat.shout"))["error"]
    assert "not_allowed_token_type" == refusal(lambda: web.api_call("apps.connections.open"))["error"]


def test_membership_decides_what_a_bot_may_see_and_where_it_may_post(web: WebClient, standin: SlackStandIn) -> None:
    """A private channel is not there for strangers; a public one takes posts with a scope of its own, unread."""
    for channel in standin.workspace.channels.values():
        channel.is_member = False
    assert "not_in_channel" == refusal(lambda: web.chat_postMessage(channel=CHANNEL, text="x"))["error"]
    assert "channel_not_found" == refusal(lambda: web.chat_postMessage(channel=PRIVATE, text="x"))["error"]
    assert "channel_not_found" == refusal(lambda: web.conversations_info(channel=PRIVATE))["error"]
    standin.workspace.scopes += ",chat:write.public,channels:join"
    assert web.chat_postMessage(channel=CHANNEL, text="x")["ok"]
    assert "not_in_channel" == refusal(lambda: web.conversations_history(channel=CHANNEL))["error"]
    assert web.conversations_join(channel=CHANNEL)["channel"]["is_member"]
    assert 1 == len(web.conversations_history(channel=CHANNEL)["messages"])


def test_a_private_channel_needs_a_scope_of_its_own(web: WebClient, standin: SlackStandIn) -> None:
    standin.workspace.scopes = "chat:write,channels:history"
    assert web.conversations_history(channel=CHANNEL)["ok"]
    assert "groups:history" == refusal(lambda: web.conversations_history(channel=PRIVATE))["needed"]


def test_an_archived_channel_takes_nothing(web: WebClient, hook: WebhookClient, standin: SlackStandIn) -> None:
    standin.workspace.channels[CHANNEL].is_archived = True
    assert "is_archived" == refusal(lambda: web.chat_postMessage(channel=CHANNEL, text="x"))["error"]
    answer = hook.send(text="x")
    assert (410, "channel_is_archived") == (answer.status_code, answer.body)
    assert "is_archived" == refusal(lambda: _join(web, standin))["error"]


def _join(web: WebClient, standin: SlackStandIn) -> object:
    standin.workspace.scopes += ",channels:join"
    return web.conversations_join(channel=CHANNEL)


def _fields(*sizes: int) -> dict[str, Any]:
    return {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * size} for size in sizes]}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"text": ""}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"blocks": [section("x" * 3_000)] * 4}, None),
        ({"blocks": [section("x" * 3_000)] * 5}, "msg_blocks_too_long"),
        ({"blocks": [section("x" * 3_001)]}, "invalid_blocks"),
        ({"blocks": [section("")]}, "invalid_blocks"),
        ({"blocks": [_fields(*[2_000] * 6)]}, None),
        ({"blocks": [_fields(2_001)]}, "invalid_blocks"),
        ({"blocks": [_fields(*[1] * 11)]}, "invalid_blocks"),
        ({"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "context", "elements": [{"type": "plain_text", "text": "x"}] * 11}]}, "invalid_blocks"),
        ({"blocks": [{"type": "actions", "elements": []}]}, "invalid_blocks"),
        ({"blocks": [{"type": "hologram"}]}, "invalid_blocks"),
        ({"blocks": [{"type": "divider", "block_id": "x" * 256}]}, "invalid_blocks"),
        ({"blocks": [{"type": "divider"}] * 50}, None),
        ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"blocks": "not json"}, "invalid_blocks_format"),
        ({"text": "x", "attachments": [{"text": "x"}] * 101}, "too_many_attachments"),
        ({"text": "x", "attachments": [{"blocks": [section("x")], "footer": "x"}]}, "invalid_attachments"),
        ({"attachments": [{"color": "#d00"}]}, "no_text"),
        ({"text": "x", "metadata": {"event_payload": {}}}, "invalid_metadata_format"),
        ({"text": "x", "metadata": {"event_type": "x", "event_payload": 7}}, "invalid_metadata_schema"),
        ({"text": "x", "metadata": {"event_type": "x", "event_payload": {"a": "x" * 8_000}}}, "metadata_too_large"),
        ({"text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"text": "x", "channel": "C0NOWHERE"}, "channel_not_found"),
    ],
)
def test_sizes_and_shapes_have_limits(
    web: WebClient, standin: SlackStandIn, body: dict[str, Any], word: str | None
) -> None:
    """Beyond them nothing is stored, and the word says why."""
    if word is None:
        assert web.api_call("chat.postMessage", json={"channel": CHANNEL, **body})["ok"]
    else:
        answer = refusal(lambda: web.api_call("chat.postMessage", json={"channel": CHANNEL, **body}))
        assert (200, word) == (answer.status_code, answer["error"])
        if word == "invalid_blocks":
            assert "json-pointer:/blocks" in answer["errors"][0]
            assert answer["errors"] == answer["response_metadata"]["messages"]
    assert (word is None) == bool(standin.messages(CHANNEL))


def test_a_long_text_becomes_several_messages_and_only_one_is_told(web: WebClient, standin: SlackStandIn) -> None:
    answer = web.chat_postMessage(channel=CHANNEL, text="x" * 9_000)
    messages = standin.messages(CHANNEL)
    assert [4_000, 4_000, 1_000] == [len(message.text) for message in messages]
    assert messages[0].ts == answer["ts"]


# Web API: pace


def test_too_fast_for_a_channel_is_429_and_reading_goes_on(web: WebClient, standin: SlackStandIn) -> None:
    """Each method and channel has limits of its own."""
    standin.workspace.burst = 1
    web.chat_postMessage(channel=CHANNEL, text="x")
    answer = refusal(lambda: web.chat_postMessage(channel=CHANNEL, text="x"))
    assert (429, "ratelimited", "1") == (answer.status_code, answer["error"], answer.headers["Retry-After"])
    assert 1 == len(web.conversations_history(channel=CHANNEL)["messages"])
    assert web.chat_postMessage(channel=PRIVATE, text="x")["ok"]


def test_too_fast_for_a_channel_may_also_be_ok_and_never_shown(web: WebClient, standin: SlackStandIn) -> None:
    standin.workspace.burst, standin.workspace.suppress_bursts = 1, True
    answers = [web.chat_postMessage(channel=CHANNEL, text=str(number)) for number in range(3)]
    assert [True] * 3 == [answer["ok"] for answer in answers]
    assert ["0"] == [message.text for message in standin.messages(CHANNEL)]
    assert ["0"] == texts(web.conversations_history(channel=CHANNEL)["messages"])


def test_reading_has_a_limit_of_its_own(web: WebClient, standin: SlackStandIn) -> None:
    standin.workspace.per_minute = {"conversations.history": 1}
    web.conversations_history(channel=CHANNEL)
    answer = refusal(lambda: web.conversations_history(channel=CHANNEL))
    assert 429 == answer.status_code
    assert 50 < int(answer.headers["Retry-After"]) <= 60
    assert web.chat_postMessage(channel=CHANNEL, text="x")["ok"]


# Web API: reading


def test_the_history_is_newest_first_between_oldest_and_latest(web: WebClient) -> None:
    """Both exclusive unless asked otherwise; replies are not in it, but with their parent."""
    stamps = [str(web.chat_postMessage(channel=CHANNEL, text=str(number))["ts"]) for number in range(5)]
    web.chat_postMessage(channel=CHANNEL, text="reply", thread_ts=stamps[2])
    assert ["4", "3", "2", "1", "0"] == texts(web.conversations_history(channel=CHANNEL)["messages"])
    between = web.conversations_history(channel=CHANNEL, oldest=stamps[1], latest=stamps[3])
    assert ["2"] == texts(between["messages"])
    inclusive = web.conversations_history(channel=CHANNEL, oldest=stamps[1], latest=stamps[3], inclusive=True)
    assert ["3", "2", "1"] == texts(inclusive["messages"])
    replies = web.conversations_replies(channel=CHANNEL, ts=stamps[2])
    assert ["2", "reply"] == texts(replies["messages"])
    assert "thread_not_found" == refusal(lambda: web.conversations_replies(channel=CHANNEL, ts="1.000001"))["error"]


def test_a_page_may_hold_fewer_than_asked_for(web: WebClient, standin: SlackStandIn) -> None:
    """15 at most for some apps; the cursor leads on, and the last page has none."""
    standin.workspace.history_limit = 15
    for number in range(32):
        web.chat_postMessage(channel=CHANNEL, text=str(number))
    pages = [
        (len(page["messages"]), page["has_more"]) for page in web.conversations_history(channel=CHANNEL, limit=999)
    ]
    assert [(15, True), (15, True), (2, False)] == pages


def test_metadata_is_shown_only_when_asked_for(web: WebClient) -> None:
    """Without the flag, its type alone."""
    web.chat_postMessage(channel=CHANNEL, text="x", metadata=METADATA)
    plain = web.conversations_history(channel=CHANNEL)["messages"][0]
    full = web.conversations_history(channel=CHANNEL, include_all_metadata=True)["messages"][0]
    assert {"event_type": "alertd_delivery"} == plain["metadata"]
    assert METADATA == full["metadata"]


def test_the_history_may_lag_behind(web: WebClient, standin: SlackStandIn) -> None:
    """People see a message before the history shows it."""
    standin.workspace.read_lag_seconds = 0.3
    web.chat_postMessage(channel=CHANNEL, text="x")
    assert 1 == len(standin.messages(CHANNEL))
    assert [] == web.conversations_history(channel=CHANNEL)["messages"]
    deadline = time.monotonic() + 10
    while not web.conversations_history(channel=CHANNEL)["messages"]:
        assert time.monotonic() < deadline


def test_channels_are_listed_by_type_page_by_page(web: WebClient, standin: SlackStandIn) -> None:
    """What is private is listed to members alone."""
    for number in range(4):
        standin.workspace.add_channel(id=f"C0MORE{number}", name=f"more-{number}")
    standin.workspace.channels["C0MORE3"].is_archived = True
    pages = web.conversations_list(limit=2, exclude_archived=True)
    names = [channel["name"] for page in pages for channel in page["channels"]]
    assert ["aws-root", "more-0", "more-1", "more-2"] == names
    private = web.conversations_list(types="private_channel")["channels"]
    assert ["secret"] == [channel["name"] for channel in private]
    standin.workspace.channels[PRIVATE].is_member = False
    assert [] == web.conversations_list(types="private_channel")["channels"]


def test_messages_are_changed_linked_and_deleted_by_ts(web: WebClient, standin: SlackStandIn) -> None:
    ts = str(web.chat_postMessage(channel=CHANNEL, text="x")["ts"])
    web.chat_update(channel=CHANNEL, ts=ts, text="y")
    assert ["y"] == [message.text for message in standin.messages(CHANNEL)]
    assert "msg_too_long" == refusal(lambda: web.chat_update(channel=CHANNEL, ts=ts, text="y" * 4_001))["error"]
    link = str(web.chat_getPermalink(channel=CHANNEL, message_ts=ts)["permalink"])
    assert link.endswith(f"/archives/{CHANNEL}/p{ts.replace('.', '')}")
    assert web.chat_delete(channel=CHANNEL, ts=ts)["ok"]
    gone = (
        lambda: web.chat_delete(channel=CHANNEL, ts=ts),
        lambda: web.chat_update(channel=CHANNEL, ts=ts, text="z"),
        lambda: web.chat_getPermalink(channel=CHANNEL, message_ts=ts),
    )
    assert ["message_not_found"] * 3 == [refusal(call)["error"] for call in gone]


@pytest.mark.parametrize(("mode", "count"), [("ignored", 2), ("deduplicated", 1), ("dropped", 1)])
def test_what_slack_makes_of_a_client_msg_id_is_not_documented(
    web: WebClient, standin: SlackStandIn, mode: Any, count: int
) -> None:
    """Ignored, answered with the first ts, or worst: ok, and the message is nowhere."""
    standin.workspace.client_msg_id = mode
    first, second = (web.chat_postMessage(channel=CHANNEL, text="x", client_msg_id="1-2-3") for _ in range(2))
    assert count == len(standin.messages(CHANNEL))
    assert (mode == "deduplicated") == (first["ts"] == second["ts"])
