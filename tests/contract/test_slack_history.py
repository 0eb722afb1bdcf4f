"""The whole of a channel, read back by the real slack-sdk from the stand-in: every message of ours, and no other."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from alertd.clock import SystemClock
from alertd.demo.slack import Fault, SlackStandIn
from alertd.destination import History, Sent
from alertd.destination.slack.bot import Slack
from alertd.errors import PermanentError, RetryError
from alertd.secret import Credential, Secrets

CHANNEL = "C0SECURITY"
SHORT = timedelta(seconds=2)


@pytest.fixture
def standin() -> Iterator[SlackStandIn]:
    with SlackStandIn() as slack:
        slack.workspace.add_channel(id=CHANNEL, name="aws-root")
        yield slack


@pytest.fixture
def slack(standin: SlackStandIn) -> Slack:
    return Slack(
        name="security",
        token=Credential("xoxb-test"),
        secrets=Secrets(),
        channel="#aws-root",
        clock=SystemClock(),
        timeout=SHORT,
        base_url=standin.url,
    )


def post(slack: Slack, delivery_id: str, *, thread_ts: str | None = None) -> str:
    mark = {"type": "context", "block_id": f"alertd:{delivery_id}", "elements": [{"type": "plain_text", "text": "e"}]}
    header = {"type": "header", "text": {"type": "plain_text", "text": f"event {delivery_id}"}}
    payload = json.dumps({"text": "root signed in", "blocks": [header, mark]})
    outcome = slack.post(payload, delivery_id=delivery_id, thread_ts=thread_ts)
    assert isinstance(outcome, Sent)
    return str(outcome.ts)


def history(slack: Slack, *threads: str) -> History:
    assert slack.reader
    return slack.reader.history(since=datetime.now(UTC) - timedelta(minutes=1), threads=threads)


def delivery_ids(found: History) -> list[str]:
    return [shown.delivery_id for shown in found.shown]


def test_everything_of_ours_is_yielded_with_its_text_and_address(slack: Slack, standin: SlackStandIn) -> None:
    """Oldest first, page by page; people's messages and other bots' copies of ours are not ours."""
    standin.workspace.history_limit = 15
    for number in range(40):
        post(slack, f"d{number:02}")
    channel = standin.workspace.channels[CHANNEL]
    standin.workspace.post({"text": "what is this?"}, via="web", channel=channel)
    found = history(slack)
    assert [f"d{number:02}" for number in range(40)] == delivery_ids(found)
    assert CHANNEL == found.channel
    first, ts = found.shown[0], standin.messages(CHANNEL)[0].ts
    assert ("event d00" in first.text, "root signed in" in first.text) == (True, True)
    assert f"https://standin.slack.com/archives/{CHANNEL}/p{ts.replace('.', '')}" == first.permalink
    standin.workspace.bot_id = standin.workspace.user_id = "B0OTHER"
    assert () == history(slack).shown


def test_replies_of_ours_are_read_wherever_they_are(slack: Slack, standin: SlackStandIn) -> None:
    """In threads that the ledger names, and in those that show our reply; each once."""
    parent = post(slack, "d1")
    post(slack, "d2", thread_ts=parent)
    assert ["d1", "d2"] == delivery_ids(history(slack)) == delivery_ids(history(slack, parent))
    channel = standin.workspace.channels[CHANNEL]
    channel.messages = [message for message in channel.messages if message.ts != parent]
    assert [] == delivery_ids(history(slack)), "nothing in the channel points to the reply"
    assert ["d2"] == delivery_ids(history(slack, parent))


def test_a_thread_that_is_gone_whole_has_no_replies(slack: Slack) -> None:
    """That is an answer, and no failure."""
    post(slack, "d1")
    assert ["d1"] == delivery_ids(history(slack, "1.000000"))


def test_a_reader_that_is_told_to_wait_waits_and_reads_on(slack: Slack, standin: SlackStandIn) -> None:
    """Slack answers some fifty reads a minute; a wait that is too long is an error, not a part of the history."""
    post(slack, "d1")
    standin.faults.next("conversations.history", *[Fault("throttle", retry_after="0.1")] * 3)
    assert ["d1"] == delivery_ids(history(slack))
    assert 4 == standin.requests.count("conversations.history")
    standin.faults.next("conversations.history", Fault("throttle", retry_after="3600"))
    with pytest.raises(RetryError, match="ratelimited"):
        history(slack)


def test_a_history_that_cannot_be_read_whole_is_an_error(slack: Slack, standin: SlackStandIn) -> None:
    """On the second page as on the first."""
    standin.workspace.history_limit = 1
    post(slack, "d1")
    post(slack, "d2")
    history(slack)
    for fault in (Fault("status", status=503), Fault("fin"), Fault("garbage")):
        standin.faults.next("conversations.history", Fault("drip", stores=True), fault)
        with pytest.raises(RetryError):
            history(slack)
    standin.workspace.scopes = "chat:write,channels:read"
    with pytest.raises(PermanentError, match="channels:history"):
        history(slack)
