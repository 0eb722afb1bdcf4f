"""Destinations, with the real slack-sdk over real sockets, against the stand-in."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from alertd.clock import SystemClock
from alertd.demo.slack import Channel, Fault, SlackStandIn
from alertd.destination import (
    DestinationRefused,
    Guarantee,
    NotSent,
    Outcome,
    PayloadRefused,
    Posted,
    Sent,
    ThreadGone,
    Throttled,
    Unknown,
)
from alertd.destination.slack.bot import Slack, slack_reader
from alertd.destination.slack.webhook import SlackWebhook
from alertd.errors import PermanentError, RetryError
from alertd.secret import Credential, Secrets
from tests.planted import PLANTED

CHANNEL = "C0SECURITY"
TOKEN = Credential(f"xoxb-{PLANTED}")
SECRETS = Secrets([TOKEN])
SHORT = timedelta(seconds=1)
LONG_AGO = timedelta(minutes=1)


def payload(text: str = "root signed in", delivery_id: str = "d1") -> str:
    mark = {"type": "context", "block_id": f"alertd:{delivery_id}", "elements": [{"type": "plain_text", "text": "x"}]}
    return json.dumps(
        {"text": text, "blocks": [{"type": "header", "text": {"type": "plain_text", "text": text}}, mark]}
    )


@pytest.fixture
def standin() -> Iterator[SlackStandIn]:
    with SlackStandIn() as slack:
        slack.workspace.add_channel(id=CHANNEL, name="aws-root")
        yield slack


@pytest.fixture
def slack(standin: SlackStandIn) -> Slack:
    return Slack(
        name="security",
        token=TOKEN,
        secrets=SECRETS,
        channel="#aws-root",
        clock=SystemClock(),
        timeout=SHORT,
        base_url=standin.url,
    )


@pytest.fixture
def webhook(standin: SlackStandIn) -> SlackWebhook:
    url = Credential(standin.webhook_url(CHANNEL))
    return SlackWebhook(name="backup", url=url, secrets=SECRETS, clock=SystemClock(), timeout=SHORT)


def post(destination: Slack | SlackWebhook, delivery_id: str = "d1", thread_ts: str | None = None) -> Outcome:
    return destination.post(payload(delivery_id=delivery_id), delivery_id=delivery_id, thread_ts=thread_ts)


def since() -> datetime:
    return datetime.now(UTC) - LONG_AGO


def test_a_post_is_one_message_with_its_mark(slack: Slack, standin: SlackStandIn) -> None:
    """The delivery id stands in the metadata; channel and ts come back."""
    outcome = post(slack)
    [message] = standin.messages(CHANNEL)
    assert Sent(CHANNEL, message.ts) == outcome
    assert "d1" == message.delivery_id


def test_a_reply_goes_into_its_thread(slack: Slack, standin: SlackStandIn) -> None:
    """And is found there."""
    parent = post(slack)
    assert isinstance(parent, Sent)
    reply = post(slack, "d2", parent.ts)
    assert isinstance(reply, Sent)
    assert parent.ts == standin.messages(CHANNEL)[1].thread_ts
    copies = slack.reader.find({"d2": parent.ts}, since=since()).copies if slack.reader else {}
    assert {"d2": (Posted(CHANNEL, str(reply.ts), parent.ts),)} == copies


@pytest.mark.parametrize("stores", [False, True], ids=["before it stored", "after it stored"])
@pytest.mark.parametrize(
    "fault",
    [
        Fault("fin"),
        Fault("reset"),
        Fault("hang", delay_seconds=1.5),
        Fault("drip", delay_seconds=0.3),
        Fault("truncated"),
        Fault("html"),
        Fault("garbage"),
        Fault("status", status=500),
        Fault("status", status=503),
        Fault("word", word="internal_error"),
        Fault("word", word="fatal_error"),
        Fault("redirect"),
    ],
    ids=lambda fault: f"{fault.kind} {fault.word if fault.kind == 'word' else fault.status}",
)
def test_whatever_leaves_a_doubt_is_unknown_and_posted_once(
    slack: Slack, webhook: SlackWebhook, standin: SlackStandIn, fault: Fault, stores: bool
) -> None:
    """Neither slack-sdk nor alertd posts again by itself."""
    faulty = Fault(fault.kind, stores=stores, delay_seconds=fault.delay_seconds, status=fault.status, word=fault.word)
    standin.faults.next("chat.postMessage", faulty)
    standin.faults.next("webhook", faulty)
    assert Unknown is type(post(slack))
    assert 1 == standin.requests.count("chat.postMessage")
    # a webhook's short answer may arrive whole within its time, drop by drop
    assert type(post(webhook, "d2")) is Unknown or (fault.kind, stores) == ("drip", True)
    assert 1 == standin.requests.count("webhook")
    assert (2 if stores else 0) == len(standin.messages(CHANNEL))


class _Elsewhere(BaseHTTPRequestHandler):
    """Sends every POST elsewhere, where all is well."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(302)
        self.send_header("Location", "/all-is-well")
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"ok": True, "channel": CHANNEL, "ts": "1.1"}).encode())

    def log_message(self, *args: object) -> None:
        pass


def test_a_page_that_a_redirect_leads_to_confirms_nothing() -> None:
    """Followed, the POST would become a GET: nothing was posted, whatever the page says."""
    with HTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        clock = SystemClock()
        token = Slack(name="a", token=TOKEN, secrets=SECRETS, channel=CHANNEL, clock=clock, timeout=SHORT, base_url=url)
        webhook = SlackWebhook(name="b", url=Credential(f"{url}services"), secrets=SECRETS, clock=clock, timeout=SHORT)
        try:
            assert [Unknown, Unknown] == [type(post(destination)) for destination in (token, webhook)]
        finally:
            server.shutdown()
            thread.join()


def test_a_message_that_arrived_although_the_answer_was_lost_is_found(slack: Slack, standin: SlackStandIn) -> None:
    """Read-back: the heart of exactly once."""
    standin.faults.next("chat.postMessage", Fault("fin", stores=True))
    post(slack)
    assert slack.reader
    found = slack.reader.find({"d1": None, "d2": None}, since=since()).copies
    assert (1, 0) == (len(found["d1"]), len(found["d2"]))


def test_copies_are_found_oldest_first_and_can_be_deleted(slack: Slack, standin: SlackStandIn) -> None:
    """The first is kept."""
    first, second = post(slack), post(slack)
    assert isinstance(first, Sent)
    assert isinstance(second, Sent)
    assert slack.reader
    copies = slack.reader.find({"d1": None}, since=since()).copies["d1"]
    assert [first.ts, second.ts] == [copy.ts for copy in copies]
    slack.reader.delete(copies[1])
    slack.reader.delete(copies[1])
    assert [first.ts] == [message.ts for message in standin.messages(CHANNEL)]


def test_the_history_is_read_page_by_page(slack: Slack, standin: SlackStandIn) -> None:
    """Slack may give fewer than asked for: 15 at a time to some apps."""
    standin.workspace.history_limit = 15
    for number in range(40):
        standin.workspace.post(json.loads(payload(delivery_id=f"n{number}")), via="webhook", channel=_channel(standin))
    assert slack.reader
    found = slack.reader.find({"n0": None, "n39": None}, since=since()).copies
    assert [1, 1] == [len(copies) for copies in found.values()]


def test_a_mark_that_somebody_else_posted_proves_nothing(slack: Slack, standin: SlackStandIn) -> None:
    """Anybody in the channel can copy a message; only our own bot's count."""
    slack.reader.find({}, since=since()) if slack.reader else None
    standin.workspace.bot_id, standin.workspace.user_id = "B0OTHER", "U0OTHER"
    post(slack)
    assert slack.reader
    assert () == slack.reader.find({"d1": None}, since=since()).copies["d1"]


def test_a_thread_that_was_deleted_hides_no_other_message(slack: Slack, standin: SlackStandIn) -> None:
    """One deleted message must not leave all doubts of the channel unsettled."""
    parent = post(slack)
    assert isinstance(parent, Sent)
    standin.faults.next("chat.postMessage", Fault("reset", stores=True))
    post(slack, delivery_id="d2")
    assert slack.reader
    slack.reader.delete(Posted(CHANNEL, parent.ts or ""))
    found = slack.reader.find({"d2": None, "d3": parent.ts}, since=slack._clock.now() - LONG_AGO)
    assert (1, 0) == (len(found.copies["d2"]), len(found.copies["d3"]))


def test_slacks_clock_may_be_wrong(slack: Slack, standin: SlackStandIn) -> None:
    """`oldest` is on Slack's clock, which the Date header tells."""
    standin.workspace.clock_offset_seconds = -3600
    standin.faults.next("chat.postMessage", Fault("fin", stores=True))
    post(slack)
    assert slack.reader
    assert 1 == len(slack.reader.find({"d1": None}, since=since()).copies["d1"])


def test_a_moment_to_come_hides_nothing_that_is_there(slack: Slack, standin: SlackStandIn) -> None:
    """The clock was ahead when the message was made, and is right when it is looked for."""
    standin.faults.next("chat.postMessage", Fault("fin", stores=True))
    post(slack)
    assert slack.reader
    assert 1 == len(slack.reader.find({"d1": None}, since=since() + timedelta(days=10)).copies["d1"])


def test_an_unreadable_channel_is_not_an_empty_one(slack: Slack, standin: SlackStandIn) -> None:
    """A failed read says nothing about any message."""
    assert slack.reader
    standin.faults.next("conversations.history", Fault("status", status=503), Fault("garbage"), Fault("fin"))
    for _ in range(3):
        with pytest.raises(RetryError):
            slack.reader.find({"d1": None}, since=since())
    standin.workspace.scopes = "chat:write,channels:read"
    with pytest.raises(PermanentError, match="channels:history"):
        slack.reader.find({"d1": None}, since=since())


@pytest.mark.parametrize(
    ("wrong", "outcome"),
    [("is_archived", DestinationRefused), ("revoked", DestinationRefused), ("not_member", DestinationRefused)],
)
def test_a_destination_that_refuses_says_why(
    slack: Slack, standin: SlackStandIn, wrong: str, outcome: type[Outcome]
) -> None:
    """Archived channel, revoked token, a bot that nobody invited."""
    channel = _channel(standin)
    channel.is_archived, channel.is_member = wrong == "is_archived", wrong != "not_member"
    standin.workspace.refuses = "token_revoked" if wrong == "revoked" else None
    assert outcome is type(post(slack))
    assert slack.check()


def test_limits_and_throttling_are_told_apart(slack: Slack, webhook: SlackWebhook, standin: SlackStandIn) -> None:
    """P: another form; 429: later."""
    too_long = json.dumps(
        {"text": "x", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]}
    )
    assert PayloadRefused is type(slack.post(too_long, delivery_id="d", thread_ts=None))
    assert PayloadRefused is type(webhook.post(too_long, delivery_id="d", thread_ts=None))
    standin.faults.next("chat.postMessage", Fault("throttle", retry_after="17"))
    standin.faults.next("webhook", Fault("throttle", retry_after=None))
    assert Throttled(timedelta(seconds=17), "429") == post(slack)
    assert Throttled is type(post(webhook))


def test_a_thread_that_is_gone_is_named(slack: Slack) -> None:
    """So that the reply can go to the top level."""
    assert ThreadGone is type(post(slack, thread_ts="1.000000"))


def test_without_a_connection_nothing_was_sent(slack: Slack, webhook: SlackWebhook, standin: SlackStandIn) -> None:
    """Refused connections are certain: no doubt, no read-back."""
    standin.stop()
    assert NotSent is type(post(slack))
    assert NotSent is type(post(webhook))
    standin.start()
    assert Sent is type(post(slack))


def test_check_passes_where_everything_is_in_place(slack: Slack) -> None:
    """Posting nothing."""
    assert () == slack.check()
    assert Guarantee.EXACTLY_ONCE is slack.guarantee


def test_check_names_every_missing_scope(slack: Slack, standin: SlackStandIn) -> None:
    """And what it is needed for."""
    standin.workspace.scopes = "channels:read"
    problems = " ".join(slack.check())
    assert "chat:write" in problems
    assert "channels:history" in problems


def test_a_webhook_beside_a_token_can_be_read_back(standin: SlackStandIn) -> None:
    """By the mark in the block id: webhooks carry no metadata."""
    clock, url = SystemClock(), Credential(standin.webhook_url(CHANNEL))
    reader = slack_reader(
        token=TOKEN, secrets=SECRETS, channel=CHANNEL, clock=clock, timeout=SHORT, base_url=standin.url
    )
    webhook = SlackWebhook(name="b", url=url, secrets=SECRETS, clock=clock, timeout=SHORT, reader=reader)
    assert Sent() == post(webhook, "d7")
    assert 1 == len(reader.find({"d7": None}, since=since()).copies["d7"])
    assert Guarantee.EXACTLY_ONCE is webhook.guarantee


def test_a_webhook_alone_promises_no_more_than_it_can(webhook: SlackWebhook) -> None:
    """At least once, repeats marked."""
    assert Guarantee.REPEATS_MARKED is webhook.guarantee
    assert webhook.reader is None


def _channel(standin: SlackStandIn) -> Channel:
    return standin.workspace.channels[CHANNEL]
