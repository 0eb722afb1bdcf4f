"""Answers that are no failure, and yet say nothing about what is in the channel."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest

from alertd.clock import SystemClock
from alertd.destination import Outcome, Posted, Sent, Unknown
from alertd.destination.slack.bot import slack_reader
from alertd.destination.slack.read_back import ChannelReader
from alertd.destination.slack.webhook import SlackWebhook
from alertd.errors import RetryError
from alertd.secret import Credential, Secrets
from tests.planted import PLANTED

CHANNEL = "C0SECURITY"
OURS = {"ts": "1503435956.000247", "bot_id": "B0ALERTD", "blocks": [{"block_id": "alertd:d1"}]}
NOBODYS = {"ts": "1503435957.000001", "user": "U0HUMAN", "text": "what is this?"}


@dataclass(slots=True)
class OddSlack:
    """Says what it is told to, and keeps what it was asked."""

    auth: object = field(default_factory=lambda: {"ok": True, "bot_id": "B0ALERTD", "user_id": "U0ALERTD"})
    history: object = field(default_factory=lambda: {"ok": True, "messages": [OURS]})
    date: str | None = None
    webhook: bytes = b"ok"
    promised: int = 2  # bytes of it
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def find(self) -> tuple[Posted, ...]:
        reader = self.reader()
        return reader.find({"d1": None}, since=datetime.now(UTC)).copies["d1"]

    def reader(self) -> ChannelReader:
        return slack_reader(
            token=Credential(f"xoxb-{PLANTED}"),
            secrets=Secrets(),
            channel=CHANNEL,
            clock=SystemClock(),
            timeout=timedelta(seconds=5),
            base_url=self.url,
        )


@pytest.fixture
def odd() -> Iterator[OddSlack]:
    told = OddSlack()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.asked.append(self.rfile.read(int(self.headers["Content-Length"] or 0)).decode())
            self.send_response_only(200)
            if told.date:
                self.send_header("Date", told.date)
            if self.path.endswith("/services"):
                self.send_header("Content-Length", str(told.promised))
                self.end_headers()
                self.wfile.write(told.webhook)
                return
            self.end_headers()
            answer = told.auth if self.path.endswith("auth.test") else told.history
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        told.url = f"http://127.0.0.1:{server.server_address[1]}/"
        yield told
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("auth", [{"ok": True}, {"ok": True, "bot_id": "", "user_id": None}], ids=["none", "empty"])
def test_a_bot_that_does_not_know_itself_reads_no_channel(odd: OddSlack, auth: object) -> None:
    """No message would be its own: a channel full of them would look empty, and each be sent again."""
    odd.auth = auth
    with pytest.raises(RetryError, match=r"auth\.test"):
        odd.find()


@pytest.mark.parametrize(
    "error",
    [{"a": "dict"}, ["a list"], 7, None, True, [[[{}]]], "x" * 100_000, "\ud800"],
    ids=lambda error: str(error)[:9],
)
def test_an_odd_answer_about_who_the_bot_is_stops_nothing(odd: OddSlack, error: object) -> None:
    """It is asked before anything is sent, for no more than a link."""
    odd.auth = {"ok": False, "error": error}
    with pytest.raises((RetryError, TypeError)) as caught:
        odd.reader().introduce()
    assert isinstance(caught.value, RetryError)
    assert len(str(caught.value)) < 400
    assert odd.reader().check()


@pytest.mark.parametrize(
    "date",
    [
        "Fri, 24 Nov 2028 10:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Mon, 01 Jan 0001 00:00:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "now",
    ],
)
def test_no_date_in_an_answer_moves_a_read_past_what_was_posted(odd: OddSlack, date: str) -> None:
    """A proxy's clock may be anything."""
    odd.date = date
    now = datetime.now(UTC).timestamp()
    assert 1 == len(odd.find())
    [oldest] = parse_qs(odd.asked[-1])["oldest"]
    assert 0 <= float(oldest) < now


def test_what_was_read_from_a_moment_that_slack_has_not_reached_proves_nothing(odd: OddSlack) -> None:
    """Our clock was set ahead after Slack last told its own; the next read knows better."""
    reader, now = odd.reader(), datetime.now(UTC)
    odd.date = format_datetime(now, usegmt=True)
    reader.introduce()
    odd.date, odd.history = format_datetime(now - timedelta(days=10), usegmt=True), {"ok": True, "messages": []}
    with pytest.raises(RetryError, match="has not reached"):
        reader.find({"d1": None}, since=now)
    odd.history = {"ok": True, "messages": [OURS]}
    assert 1 == len(reader.find({"d1": None}, since=now).copies["d1"])


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": "true", "messages": []},
        {"ok": 1, "messages": []},
        {"ok": True, "messages": {}},
        {"ok": True, "messages": [None]},
        {"ok": True, "messages": ["a text"]},
        {"ok": True, "messages": [], "has_more": True, "response_metadata": "a text"},
    ],
    ids=str,
)
def test_what_is_no_history_is_not_an_empty_one(odd: OddSlack, answer: object) -> None:
    """And ends no thread either."""
    odd.history = answer
    with pytest.raises(RetryError):
        odd.find()


@pytest.mark.parametrize(("promised", "outcome"), [(2, Sent), (200, Unknown)], ids=["whole", "cut"])
def test_the_beginning_of_an_answer_confirms_nothing(odd: OddSlack, promised: int, outcome: type[Outcome]) -> None:
    """A page of a proxy may begin with "ok" too."""
    odd.promised = promised
    url = Credential(f"{odd.url}services")
    webhook = SlackWebhook(name="b", url=url, secrets=Secrets(), clock=SystemClock(), timeout=timedelta(seconds=5))
    assert outcome is type(webhook.post('{"text": "x", "blocks": []}', delivery_id="d1", thread_ts=None))


def test_a_message_on_two_pages_is_one_message(odd: OddSlack) -> None:
    """What is posted meanwhile moves the pages: the copy would be deleted, and it is the only one."""
    odd.history = {"ok": True, "messages": [OURS, NOBODYS, OURS]}
    assert 1 == len(odd.find())


@pytest.mark.parametrize(
    "message",
    [
        {"metadata": "a text"},
        {"metadata": {"event_type": "alertd_delivery", "event_payload": ["d1"]}},
        {"metadata": {"event_type": "alertd_delivery", "event_payload": None}},
        {"blocks": "a text"},
        {"blocks": [None, "a text", {"block_id": 7}]},
        {"bot_id": {"of": "whom"}, "user": ["U0ALERTD"], "blocks": [{"block_id": "alertd:d1"}]},
    ],
    ids=str,
)
def test_a_message_that_is_not_as_slack_describes_it_hides_no_other(odd: OddSlack, message: dict[str, object]) -> None:
    """Else one message could leave every doubt of the channel unsettled."""
    odd.history = {"ok": True, "messages": [{**NOBODYS, **message}, OURS]}
    assert (Posted(CHANNEL, str(OURS["ts"])),) == odd.find()


def test_an_answer_of_another_server_sends_to_its_address(odd: OddSlack) -> None:
    """Slack's own is in no configuration: only an address that somebody wrote can be wrong."""
    odd.auth = odd.history = []
    with pytest.raises(RetryError, match=r"an answer that is not Slack's: .*: check base_url"):
        odd.find()
