"""Whatever Slack answers, posts go to the channel that is configured, and that one is read."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest

from alertd.clock import SystemClock
from alertd.destination import Outcome, Sent, Unknown
from alertd.destination.slack.bot import Slack
from alertd.secret import Credential, Secrets
from tests.planted import PLANTED

RIGHT, OTHER, THIRD = "C0SECURITY", "C0OTHER", "C0THIRD"
BY_ID, BY_NAME = RIGHT, "#aws-root"


@dataclass(slots=True)
class Talk:
    """A Slack that names the channels it is told to, and keeps where was posted and what was read."""

    says: list[str] = field(default_factory=list)
    channels: object = None
    posted: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, body: bytes) -> object:
        if path.endswith("chat.postMessage"):
            self.posted.append(json.loads(body)["channel"])
            return {"ok": True, "ts": f"150343595{len(self.posted)}.000247", "channel": self.says.pop(0)}
        if path.endswith("auth.test"):
            return {"ok": True, "bot_id": "B0ALERTD", "user_id": "U0ALERTD"}
        if path.endswith("conversations.list"):
            return {"ok": True, "channels": self.channels} if self.channels else {"ok": False, "error": "missing_scope"}
        self.read.append(parse_qs(body.decode())["channel"][0])
        return {"ok": True, "messages": []}

    def slack(self, channel: str) -> Slack:
        return Slack(
            name="security",
            token=Credential(f"xoxb-{PLANTED}"),
            secrets=Secrets(),
            channel=channel,
            clock=SystemClock(),
            timeout=timedelta(seconds=5),
            base_url=self.url,
        )


@pytest.fixture
def talk() -> Iterator[Talk]:
    told = Talk()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.dumps(told.answer(self.path, self.rfile.read(int(self.headers["Content-Length"] or 0))))
            self.send_response_only(200)
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        told.url = f"http://127.0.0.1:{server.server_address[1]}/"
        yield told
        server.shutdown()
        thread.join()


def posts(slack: Slack, number: int) -> list[Outcome]:
    text = json.dumps({"text": "root signed in"})
    return [slack.post(text, delivery_id=f"d{at}", thread_ts=None) for at in range(number)]


def reads(slack: Slack) -> None:
    assert slack.reader
    slack.reader.find({"d1": None}, since=datetime.now(UTC))


@pytest.mark.parametrize("configured", [BY_ID, BY_NAME])
def test_an_answer_that_names_another_channel_sends_nothing_elsewhere(talk: Talk, configured: str) -> None:
    """It is a send that nobody can tell the fate of, settled by reading the configured channel."""
    talk.says, talk.channels = [RIGHT, OTHER, RIGHT, OTHER], [{"id": RIGHT, "name": "aws-root"}]
    slack = talk.slack(configured)
    assert slack.reader
    slack.reader.introduce()
    first, astray, *_ = posts(slack, 2)
    reads(slack)
    outcomes = [first, astray, *posts(slack, 2)]
    assert [configured] * 4 == talk.posted
    assert [RIGHT] == talk.read
    assert [Sent, Unknown, Sent, Unknown] == [type(each) for each in outcomes]
    assert [True, True] == [each.is_astray for each in outcomes if isinstance(each, Unknown)]
    assert isinstance(astray, Unknown)
    assert OTHER in astray.reason


@pytest.mark.parametrize("configured", [BY_ID, BY_NAME])
def test_even_the_first_answer_to_a_post_is_not_believed_against_what_is_known(talk: Talk, configured: str) -> None:
    talk.says, talk.channels = [OTHER, RIGHT], [{"id": OTHER, "name": "talk"}, {"id": RIGHT, "name": "aws-root"}]
    slack = talk.slack(configured)
    assert slack.reader
    slack.reader.introduce()
    assert [Unknown, Sent] == [type(each) for each in posts(slack, 2)]
    reads(slack)
    assert ([configured] * 2, [RIGHT]) == (talk.posted, talk.read)


def test_where_the_name_cannot_be_looked_up_one_answer_is_not_enough_to_know_it(talk: Talk) -> None:
    """The second one says otherwise: which of them is right? Two that agree are believed, and read."""
    talk.says = [OTHER, RIGHT, RIGHT, THIRD]
    slack = talk.slack(BY_NAME)
    assert [Sent, Unknown, Sent] == [type(each) for each in posts(slack, 3)]
    reads(slack)
    assert [RIGHT] == talk.read
    assert [Unknown] == [type(each) for each in posts(slack, 1)]
    assert [BY_NAME] * 4 == talk.posted


def test_a_wrong_answer_about_the_name_is_put_right_by_the_next_one_that_differs(talk: Talk) -> None:
    """An odd list of channels, once, must not leave the wrong channel read for ever."""
    talk.says, talk.channels = [RIGHT, RIGHT], [{"id": OTHER, "name": "aws-root"}]
    slack = talk.slack(BY_NAME)
    reads(slack)
    talk.channels = [{"id": RIGHT, "name": "aws-root"}]
    assert [Unknown] == [type(each) for each in posts(slack, 1)]
    reads(slack)
    assert [Sent] == [type(each) for each in posts(slack, 1)]
    assert ([OTHER, RIGHT], [BY_NAME] * 2) == (talk.read, talk.posted)
