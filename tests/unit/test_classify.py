"""Slack's answers → outcomes, over every word that Slack documents or that was seen."""

import http.client
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError, URLError

import pytest

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
from alertd.destination.slack.classify import of_exception, of_web_answer, of_webhook_answer, retry_after

NOW = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)

WEB_WORDS: dict[type[Outcome], str] = {
    Throttled: "ratelimited rate_limited message_limit_exceeded",
    NotSent: "request_timeout invalid_charset missing_post_type team_added_to_org org_login_required",
    Unknown: "internal_error fatal_error service_unavailable duplicate_message_not_found duplicate_channel_not_found "
    "a_word_that_slack_invents_tomorrow",
    PayloadRefused: "invalid_blocks invalid_blocks_format msg_too_long msg_blocks_too_long no_text "
    "too_many_attachments attachment_payload_limit_exceeded invalid_metadata_format invalid_metadata_schema "
    "metadata_too_large markdown_text_conflict invalid_array_arg invalid_arg_name",
    DestinationRefused: "channel_not_found is_archived not_in_channel restricted_action not_authed invalid_auth "
    "account_inactive token_revoked token_expired missing_scope not_allowed_token_type no_permission access_denied "
    "ekm_access_denied accesslimited team_not_found messages_tab_disabled",
    ThreadGone: "thread_not_found cannot_reply_to_message",
}
WEBHOOK_WORDS: dict[type[Outcome], list[tuple[int, str]]] = {
    PayloadRefused: [
        (400, "invalid_payload"),
        (400, "invalid_blocks"),
        (400, "invalid_attachments"),
        (400, "no_text"),
        (400, "missing_text_or_fallback_or_attachments"),
        (400, "too_many_attachments"),
    ],
    DestinationRefused: [
        (400, "user_not_found"),
        (403, "action_prohibited"),
        (403, "invalid_token"),
        (403, "posting_to_general_channel_denied"),
        (403, "team_disabled"),
        (404, "channel_not_found"),
        (404, "no_service"),
        (404, "no_active_hooks"),
        (404, "no_service_id"),
        (404, "no_team"),
        (410, "channel_is_archived"),
    ],
    Unknown: [(500, "rollup_error"), (502, "<html>bad gateway</html>"), (200, "<html>log in</html>"), (302, "")],
}


@pytest.mark.parametrize(
    ("kind", "word"), [(kind, word) for kind, words in WEB_WORDS.items() for word in words.split()]
)
def test_each_word_of_the_web_api_has_its_reaction(kind: type[Outcome], word: str) -> None:
    """Errors are answers with status 200 and ok: false."""
    assert kind is type(of_web_answer(200, {}, {"ok": False, "error": word}, now=NOW))


@pytest.mark.parametrize(
    ("kind", "status", "word"), [(kind, *answer) for kind, answers in WEBHOOK_WORDS.items() for answer in answers]
)
def test_each_word_of_a_webhook_has_its_reaction(kind: type[Outcome], status: int, word: str) -> None:
    """The word decides, then the status: the status of some words is not documented."""
    assert kind is type(of_webhook_answer(status, {}, word, now=NOW))


def test_a_webhook_succeeded_only_if_it_says_so() -> None:
    """A captive portal or a followed redirect answers 200 as well."""
    assert Sent() == of_webhook_answer(200, {}, "ok", now=NOW)
    assert Sent() == of_webhook_answer(200, {}, '{"ok": true}', now=NOW)
    assert Unknown is type(of_webhook_answer(200, {}, '{"ok": "true"}', now=NOW))
    assert Unknown is type(of_webhook_answer(200, {}, "okay", now=NOW))


def test_a_post_succeeded_only_with_channel_and_ts() -> None:
    """Without them nothing proves it, and nothing can be threaded or read back."""
    assert Sent("C1", "1.2") == of_web_answer(200, {}, {"ok": True, "channel": "C1", "ts": "1.2"}, now=NOW)
    assert Unknown is type(of_web_answer(200, {}, {"ok": True}, now=NOW))
    assert Unknown is type(of_web_answer(500, {}, {"ok": True, "channel": "C1", "ts": "1.2"}, now=NOW))
    assert Unknown is type(of_web_answer(200, {}, "gateway", now=NOW))


@pytest.mark.parametrize(
    ("status", "data"),
    [
        (429, {"ok": True, "channel": "C1", "ts": "1.2"}),
        (200, {"ok": True, "channel": "C1", "ts": 1.2}),
        (200, {"ok": True, "channel": "C1", "ts": "12"}),
        (200, {"ok": True, "channel": ["C1"], "ts": "1.2"}),
        (200, {"ok": 1, "channel": "C1", "ts": "1.2", "error": "invalid_auth"}),
        (200, {"ok": "true", "error": "no_text"}),
        (200, {"ok": False, "channel": "C1", "ts": "1.2", "error": "invalid_auth"}),
        (200, {"ok": False, "error": {"invalid_auth": 1}}),
        (200, {"error": "invalid_auth"}),
        (200, [{"ok": True}]),
    ],
)
def test_an_odd_answer_is_neither_a_success_nor_a_refusal(status: int, data: object) -> None:
    """Whatever contradicts itself may have been posted: only the channel can tell."""
    assert Unknown is type(of_web_answer(status, {}, data, now=NOW))


@pytest.mark.parametrize("body", ["ok", '{"ok": true}', '{"ok": "yes", "error": "no_service"}'])
def test_a_webhook_that_says_ok_with_another_status_may_have_posted(body: str) -> None:
    """Not even 429 says for certain that it did not."""
    assert Unknown is type(of_webhook_answer(429, {}, body, now=NOW))


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (NotSent, URLError(ConnectionRefusedError(111, "refused"))),
        (NotSent, URLError(TimeoutError("timed out"))),
        (Unknown, HTTPError("u", 502, "bad", http.client.HTTPMessage(), None)),
        (Unknown, http.client.RemoteDisconnected("closed")),
        (Unknown, ConnectionResetError(104, "reset")),
        (Unknown, TimeoutError("timed out")),
        (Unknown, http.client.IncompleteRead(b"", 5)),
    ],
)
def test_only_what_was_not_written_whole_counts_as_not_sent(kind: type[Outcome], error: OSError) -> None:
    """urllib wraps the first kind in URLError; the second comes out bare."""
    assert kind is type(of_exception(error))
    if isinstance(error, HTTPError):
        error.close()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("999999999", 3600.0),
        ("inf", 30.0),
        ("nan", 30.0),
        ("soon", 30.0),
        ("", 30.0),
        ("Mon, 23 Nov 2026 13:06:00 GMT", 60.0),
        ("Mon, 23 Nov 2020 13:06:00 GMT", 0.0),
    ],
)
def test_retry_after_is_understood_in_every_form(text: str, seconds: float) -> None:
    """Whole, fraction, date, absurd, missing: bounded by an hour."""
    assert timedelta(seconds=seconds) == retry_after({"Retry-After": text}, now=NOW)


def test_the_reason_names_what_slack_wants() -> None:
    """The scope that is missing, the block that is wrong."""
    scope = of_web_answer(200, {}, {"ok": False, "error": "missing_scope", "needed": "chat:write"}, now=NOW)
    told = "missing_scope (needs the scope chat:write): add the scope to the Slack app and install it again"
    assert DestinationRefused(told) == scope
    blocks = {"ok": False, "error": "invalid_blocks", "errors": ["must be less than 151 [json-pointer:/blocks/0]"]}
    assert "json-pointer:/blocks/0" in str(of_web_answer(200, {}, blocks, now=NOW))


@pytest.mark.parametrize(
    ("outcome", "remedy"),
    [
        (of_web_answer(200, {}, {"ok": False, "error": "not_in_channel"}, now=NOW), "/invite @alertd in the channel"),
        (of_web_answer(200, {}, {"ok": False, "error": "token_revoked"}, now=NOW), "put it into the token file"),
        (of_web_answer(200, {}, {"ok": False, "error": "channel_not_found"}, now=NOW), "name the channel by its id"),
        (of_webhook_answer(404, {}, "no_service", now=NOW), "put its address into the url file"),
        (of_webhook_answer(410, {}, "channel_is_archived", now=NOW), "unarchive the channel"),
    ],
)
def test_a_refusal_says_what_to_do_as_check_does(outcome: Outcome, remedy: str) -> None:
    """It becomes trouble, and stands in `status`: who reads it there need not run `check` to know."""
    assert isinstance(outcome, DestinationRefused)
    assert remedy in outcome.reason
