"""The stand-in's webhooks, and how it fails on the wire, as slack-sdk meets it."""

import http.client
import json
import socket
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.error import HTTPError, URLError

import pytest
from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from alertd.demo.slack import Fault, SlackStandIn
from alertd.demo.slack.faults import Kind
from tests.contract.slack_calls import CHANNEL, METADATA, PRIVATE, TOKEN, refusal, section

# the incoming webhook


def test_a_webhook_answers_ok_and_nothing_more(hook: WebhookClient, standin: SlackStandIn) -> None:
    """No ts. Channel, name and icon are the hook's own; a thread is honoured; metadata is not kept."""
    body = {"text": "x", "channel": PRIVATE, "username": "root", "icon_emoji": ":boom:", "metadata": METADATA}
    answer = hook.send_dict(body)
    assert (200, "ok") == (answer.status_code, answer.body)
    assert [] == standin.messages(PRIVATE)
    [message] = standin.messages(CHANNEL)
    assert message.metadata is None
    hook.send_dict({"text": "reply", "thread_ts": message.ts})
    assert message.ts == standin.messages(CHANNEL)[1].thread_ts


def _raw(standin: SlackStandIn, data: bytes | None, kind: str) -> tuple[int, str]:
    request = urllib.request.Request(standin.webhook_url(CHANNEL), data, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=2) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_webhook_takes_json_and_the_payload_of_a_form(standin: SlackStandIn) -> None:
    form = "application/x-www-form-urlencoded"
    payload = urllib.parse.urlencode({"payload": json.dumps({"text": "x"})}).encode()
    assert (200, "ok") == _raw(standin, payload, form)
    assert (400, "invalid_payload") == _raw(standin, b"text=x", form)
    assert (400, "invalid_payload") == _raw(standin, b'{"text": ', "application/json")
    assert (400, "invalid_payload") == _raw(standin, b'["x"]', "application/json")
    assert (400, "invalid_payload") == _raw(standin, b"x", "text/plain")
    assert 405 == _raw(standin, None, "text/plain")[0]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"text": ""}, "no_text"),
        ({"attachments": [{"color": "#d00"}]}, "missing_text_or_fallback_or_attachments"),
        ({"text": "x", "attachments": [{"text": "x"}] * 101}, "too_many_attachments"),
        ({"text": "x", "attachments": [{"blocks": [section("x")], "ts": 1}]}, "invalid_attachments"),
        ({"text": "x", "blocks": [section("x" * 3_001)]}, "invalid_blocks"),
    ],
)
def test_a_webhook_refuses_with_a_word_alone(hook: WebhookClient, body: dict[str, Any], word: str) -> None:
    answer = hook.send_dict(body)
    assert (400, word) == (answer.status_code, answer.body)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("user_not_found", 400),
        ("action_prohibited", 403),
        ("posting_to_general_channel_denied", 403),
        ("team_disabled", 403),
        ("channel_not_found", 404),
        ("no_active_hooks", 404),
        ("no_service_id", 404),
        ("rollup_error", 500),
    ],
)
def test_a_hook_that_is_of_no_use_any_more_says_why(
    hook: WebhookClient, standin: SlackStandIn, word: str, status: int
) -> None:
    """Each word with its status, and nothing stored."""
    standin.workspace.channels[CHANNEL].refuses = word
    answer = hook.send(text="x")
    assert (status, word, []) == (answer.status_code, answer.body, standin.messages(CHANNEL))


@pytest.mark.parametrize(
    ("address", "status", "word"),
    [
        ("T0OTHER/B0STANDIN/C0SECURITY", 404, "no_team"),
        ("T0STANDIN/B0OTHER/C0SECURITY", 404, "no_service"),
        ("T0STANDIN/B0STANDIN/guessed", 403, "invalid_token"),
    ],
)
def test_an_address_that_is_not_a_hook_is_refused(standin: SlackStandIn, address: str, status: int, word: str) -> None:
    answer = WebhookClient(f"{standin.page_url}services/{address}", retry_handlers=[]).send(text="x")
    assert (status, word) == (answer.status_code, answer.body)


def test_a_webhook_that_is_too_fast_is_told_for_how_long(hook: WebhookClient, standin: SlackStandIn) -> None:
    """Its word differs from the Web API's by an underscore."""
    standin.workspace.burst = 1
    hook.send(text="x")
    answer = hook.send(text="x")
    assert (429, "1") == (answer.status_code, answer.headers["Retry-After"])
    assert {"retry_after": 1, "ok": False, "error": "rate_limited"} == json.loads(answer.body)


# the wire


_BARE = (http.client.RemoteDisconnected, ConnectionResetError, TimeoutError, http.client.IncompleteRead)


BEFORE_AND_AFTER = pytest.mark.parametrize("stores", [False, True], ids=["before it stored", "after it stored"])


@BEFORE_AND_AFTER
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("fin", http.client.RemoteDisconnected),
        ("reset", ConnectionResetError),
        ("hang", TimeoutError),
        ("truncated", http.client.IncompleteRead),
    ],
)
def test_a_connection_ends_as_asked_before_or_after_the_message_is_stored(
    web: WebClient, standin: SlackStandIn, kind: Kind, error: type[Exception], stores: bool
) -> None:
    """By what slack-sdk raises, nobody could tell which of the two it was."""
    for method in ("chat.postMessage", "webhook"):
        standin.faults.next(method, Fault(kind, stores=stores, delay_seconds=1.5))
    with pytest.raises(error):
        web.chat_postMessage(channel=CHANNEL, text="x")
    assert (1, int(stores)) == (len(standin.requests), len(standin.messages(CHANNEL)))
    with pytest.raises(error):
        WebhookClient(standin.webhook_url(CHANNEL), retry_handlers=[], timeout=1).send(text="x")
    assert (2, 2 * int(stores)) == (len(standin.requests), len(standin.messages(CHANNEL)))
    assert web.chat_postMessage(channel=CHANNEL, text="y")["ok"]


@BEFORE_AND_AFTER
@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        (Fault("html"), 200, "non-JSON"),
        (Fault("garbage"), 200, "non-JSON"),
        (Fault("short"), 200, "non-JSON"),
        (Fault("status", status=500), 500, "non-JSON"),
        (Fault("status", status=503), 503, "non-JSON"),
        (Fault("word", word="internal_error"), 200, "internal_error"),
        (Fault("word", word="fatal_error"), 200, "fatal_error"),
        (Fault("word", word="service_unavailable"), 200, "service_unavailable"),
        (Fault("throttle", retry_after="0.5"), 429, "ratelimited"),
    ],
    ids=lambda value: f"{value.kind} {value.word} {value.status}" if isinstance(value, Fault) else "",
)
def test_an_answer_is_wrong_as_asked_before_or_after_the_message_is_stored(
    standin: SlackStandIn, fault: Fault, status: int, error: str, stores: bool
) -> None:
    """A page, half a JSON, a length that is wrong, a status, a word."""
    standin.faults.next("chat.postMessage", replace(fault, stores=stores))
    web = WebClient(TOKEN, base_url=standin.url, retry_handlers=[])
    answer = refusal(lambda: web.chat_postMessage(channel=CHANNEL, text="x"))
    assert status == answer.status_code
    assert error in answer["error"]
    assert int(stores) == len(standin.messages(CHANNEL))


def test_a_page_behind_a_redirect_looks_like_success_to_a_webhook(hook: WebhookClient, standin: SlackStandIn) -> None:
    """What slack-sdk makes of it by itself: status 200. Only the body tells."""
    standin.faults.next("webhook", Fault("redirect"), Fault("html"), Fault("word", word="rollup_error", stores=True))
    redirected, captive, failed = hook.send(text="x"), hook.send(text="x"), hook.send(text="x")
    assert [(200, False), (200, False)] == [(each.status_code, each.body == "ok") for each in (redirected, captive)]
    assert (500, "rollup_error") == (failed.status_code, failed.body)
    assert 1 == len(standin.messages(CHANNEL))


def test_an_answer_that_drips_outlasts_the_sdks_own_timeout(web: WebClient, standin: SlackStandIn) -> None:
    """It bounds each read, not their sum."""
    standin.faults.next("chat.postMessage", Fault("drip", delay_seconds=0.15))
    began = time.monotonic()
    assert web.chat_postMessage(channel=CHANNEL, text="x")["ok"]
    assert time.monotonic() - began > 1


def test_a_post_may_be_stored_only_after_everybody_gave_up(web: WebClient, standin: SlackStandIn) -> None:
    """Still on its way while the history is read."""
    standin.faults.next("chat.postMessage", Fault("late", delay_seconds=0.5))
    with pytest.raises(http.client.RemoteDisconnected):
        web.chat_postMessage(channel=CHANNEL, text="x")
    assert [] == web.conversations_history(channel=CHANNEL)["messages"]
    _wait_for(lambda: standin.messages(CHANNEL))


def test_what_is_late_is_right_when_it_comes(web: WebClient, standin: SlackStandIn) -> None:
    standin.faults.next("chat.postMessage", Fault("delay", delay_seconds=0.3))
    assert web.chat_postMessage(channel=CHANNEL, text="x")["ok"]
    assert 1 == len(standin.messages(CHANNEL))


@pytest.mark.parametrize("kind", ["fin", "reset", "hang"])
def test_a_connection_may_be_taken_and_dropped_unread(web: WebClient, standin: SlackStandIn, kind: Any) -> None:
    standin.faults.next("connection", Fault(kind, delay_seconds=1.5))
    with pytest.raises((*_BARE, URLError)):
        web.chat_postMessage(channel=CHANNEL, text="x")
    assert [] == standin.requests


def test_a_connection_may_be_refused(web: WebClient, standin: SlackStandIn) -> None:
    """And taken again, with everything that was said before."""
    web.chat_postMessage(channel=CHANNEL, text="x")
    standin.stop()
    with pytest.raises(URLError, match="refused"):
        web.chat_postMessage(channel=CHANNEL, text="y")
    standin.start()
    assert ["x"] == [message["text"] for message in web.conversations_history(channel=CHANNEL)["messages"]]


def test_without_tls_a_client_that_wants_it_gets_nowhere(standin: SlackStandIn) -> None:
    secure = WebClient(TOKEN, base_url=standin.url.replace("http:", "https:"), retry_handlers=[], timeout=1)
    with pytest.raises(URLError, match="SSL"):
        secure.auth_test()


def test_half_a_request_is_never_acted_on(standin: SlackStandIn) -> None:
    """Slack's word for it is request_timeout."""
    address = urllib.parse.urlsplit(standin.url)
    with socket.create_connection((address.hostname, address.port), timeout=2) as half:
        half.sendall(
            f"POST /api/chat.postMessage HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Content-Type: application/json\r\nContent-Length: 500\r\n\r\n"
            f'{{"channel": "{CHANNEL}", "text": "x"}}'.encode()
        )
        half.shutdown(socket.SHUT_WR)
        answer = half.makefile("rb").read()
    assert b"request_timeout" in answer
    assert ([], []) == (standin.requests, standin.messages(CHANNEL))


def test_random_faults_are_made_of_their_seed(standin: SlackStandIn) -> None:
    """Posts and reads fail as often as asked; other calls never."""
    drawn = []
    for _ in range(2):
        standin.faults.random(7, 0.5, reads=0.2, longest_late_seconds=1)
        drawn.append(
            [standin.faults.take(method) for method in ("webhook", "conversations.history", "auth.test") * 200]
        )
    assert drawn[0] == drawn[1]
    posts, reads, others = (sum(fault is not None for fault in drawn[0][start::3]) for start in range(3))
    assert (True, True, 0) == (60 < posts < 140, 15 < reads < 70, others)


def test_every_post_that_arrived_is_known_by_its_mark(
    web: WebClient, hook: WebhookClient, standin: SlackStandIn
) -> None:
    """Whatever became of it: what a log says of its attempts can be checked."""
    standin.faults.next("chat.postMessage", Fault("fin"))
    with pytest.raises(http.client.RemoteDisconnected):
        web.chat_postMessage(channel=CHANNEL, text="x", metadata=METADATA)
    hook.send_dict({"text": "x", "blocks": [{"type": "divider", "block_id": "alertd:d2"}]})
    assert ["d1", "d2"] == standin.posts


def _wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
