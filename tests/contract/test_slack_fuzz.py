"""Answers that nobody would write, over real sockets: each is an outcome or a RetryError, and none counts as sent.

ALERTD_FUZZ_CASES=40000 is the size for a release.
"""

import json
import os
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from alertd.clock import SystemClock
from alertd.destination import Posted, Sent
from alertd.destination.reason import MOST_REASON
from alertd.destination.slack import read_back
from alertd.destination.slack.bot import Slack
from alertd.destination.slack.webhook import SlackWebhook
from alertd.errors import PermanentError, RetryError
from alertd.secret import Credential, Secrets
from tests.planted import PLANTED

CASES = int(os.environ.get("ALERTD_FUZZ_CASES", "1500"))
PAYLOAD = json.dumps({"text": "x", "blocks": []})
SINCE = datetime(2026, 11, 28, tzinfo=UTC)
LONGEST_TEXT = MOST_REASON + 500  # with what alertd says around it

TS = "1503435956.000247"
MESSAGE: dict[str, object] = {
    "ts": TS,
    "bot_id": "B0ALERTD",
    "user": "U0ALERTD",
    "thread_ts": TS,
    "reply_users": ["U0ALERTD"],
    "metadata": {"event_type": "alertd_delivery", "event_payload": {"delivery_id": "d1"}},
    "blocks": [{"block_id": "alertd:d1", "text": {"type": "plain_text", "text": "x"}}],
}
GOOD: dict[str, object] = {
    "ok": True,
    "ts": TS,
    "channel": "C0SECURITY",
    "bot_id": "B0ALERTD",
    "user_id": "U0ALERTD",
    "url": "https://acme.slack.com/",
    "messages": [MESSAGE],
    "channels": [{"id": "C0SECURITY", "name": "aws-root"}],
    "has_more": False,
    "error": "invalid_auth",
    "needed": "chat:write",
    "errors": ["at /blocks/0"],
    "response_metadata": {"next_cursor": "", "messages": ["x"]},
}
WORDS: list[object] = [
    "invalid_auth",
    "ratelimited",
    "internal_error",
    "invalid_blocks",
    "thread_not_found",
    "not_in_channel",
    "ok",
]
ODD: list[object] = [
    None, True, False, 0, -1, 1e300, 10**400, "", "ok", "true", "x" * 20_000, "\ud800", "\0\n", [], {}, [[]], [None],
    {"a": {}}, ["x"], [{}], {"error": "invalid_auth"}, "C", "1.", ".1", "1.\u0661", "C0security",
    float("nan"), float("inf"),
]  # fmt: skip
HEADERS = [
    b"Retry-After: 1e999", b"Retry-After: Mon, 01 Jan 99999999999999 00:00:00 GMT", b"Retry-After: -9",
    b"Date: Mon, 01 Jan 99999999999999 00:00:00 GMT", b"Date: Fri, 31 Dec 9999 23:59:59 -2359", b"Date: \xff",
    b"Date: Mon, 01 Jan 2024 00:00:00 +99999999999999999999", b"Content-Type: text/html; charset=utf-7",
    b"Content-Type: application/json; charset=no-such", b"Content-Encoding: gzip", b"X-OAuth-Scopes: \xff,,",
    b"X: " + b"y" * 70_000, b"no header at all", b": empty", b"Location: http://[", b"Transfer-Encoding: chunked",
    *[b"H%d: x" % number for number in range(3)], b"WWW-Authenticate: Basic realm=x", b"Content-Length: -5",
    b"Content-Length: 3", b"Content-Length: 99999999999999999999",
]  # fmt: skip
STATUS = [
    b"200",
    b"200",
    b"200",
    b"201",
    b"204",
    b"302",
    b"400",
    b"401",
    b"403",
    b"404",
    b"429",
    b"500",
    b"999",
    b"abc",
]


@dataclass(slots=True)
class Case:
    answer: bytes
    confirms: bool  # whether it may be taken for Slack's "I have it"


def api_case(dice: random.Random) -> Case:
    """An answer that would be right for every method, with a few things wrong."""
    data: dict[str, object] = dict(GOOD)
    for _ in range(dice.choice([0, 1, 1, 2, 4])):
        wrong: list[object] = [*ODD, *WORDS]
        data[dice.choice([*GOOD, "ok", "error"])] = dice.choice(wrong)
    for _ in range(dice.choice([0, 0, 1, 3])):
        spoilt = dict(MESSAGE)
        spoilt[dice.choice([*MESSAGE])] = dice.choice(ODD)
        data["messages"] = [spoilt, MESSAGE]
    body = json.dumps(data)
    ways = [
        body[: dice.randrange(len(body))],
        body.replace('"ok"', '"ok": false, "ok"', 1),
        f'{{"a": {"[" * 100_000}{"]" * 100_000}, {body[1:]}',
        f'{{"a": {"[" * 300}{"]" * 300}, {body[1:]}',
        dice.choice(["", "[]", "null", '"ok"', "ok", "1", "NaN", "<html>ok</html>", f"[{body}]"]),
    ]
    if dice.random() < 0.3:
        return whole(dice, dice.choice(ways).encode(), may_confirm=False)
    return whole(dice, body.encode(), may_confirm=True)


def webhook_case(dice: random.Random) -> Case:
    body = dice.choice(["ok", "ok", "okay", "OK", "", "no_service", "invalid_token", '{"ok": "true"}', '{"ok": 1}'])
    if dice.random() < 0.3:
        body = json.dumps({"ok": dice.choice(ODD), "error": dice.choice([*ODD, *WORDS])})
    if dice.random() < 0.1:
        body = "[" * 100_000
    return whole(dice, body.encode(), may_confirm=True)


def whole(dice: random.Random, body: bytes, *, may_confirm: bool) -> Case:
    if dice.random() < 0.1:
        at = dice.randrange(len(body) + 1)
        body = body[:at] + bytes([dice.randrange(256)]) + body[at:]
    headers = dice.sample(HEADERS, dice.choice([0, 0, 1, 2]))
    headers += [b"N%d: x" % number for number in range(150)] if dice.random() < 0.02 else []
    status = dice.choice(STATUS)
    head = b"HTTP/1.1 " + status + b" Whatever\r\n" + b"".join(header + b"\r\n" for header in headers)
    ways = [
        b"",
        bytes(dice.randrange(256) for _ in range(200)),
        head + b"Content-Length: %d\r\n\r\n" % (len(body) + 9) + body,
    ]
    if dice.random() < 0.1:
        return Case(dice.choice(ways), confirms=False)
    return Case(head + b"\r\n" + body, confirms=may_confirm and status == b"200" and _says_ok(body))


def _says_ok(body: bytes) -> bool:
    """As Slack would, whatever else it says."""
    text = body.decode(errors="replace")
    try:
        data = json.loads(text)
    except ValueError:
        return text.strip() == "ok"
    except RecursionError:
        return False
    return isinstance(data, dict) and data.get("ok") is True and data.get("ts", TS) == TS


@dataclass(slots=True)
class OddServer:
    url: str
    answer: bytes = b""
    asked: list[bytes] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[OddServer]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        odd = OddServer(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        thread = threading.Thread(target=_serve, args=(listener, odd))
        thread.start()
        yield odd
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _serve(listener: socket.socket, odd: OddServer) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with closing(connection), suppress(OSError):
            odd.asked.append(_request(connection))
            connection.sendall(odd.answer)


def _request(connection: socket.socket) -> bytes:
    said = b""
    while b"\r\n\r\n" not in said:
        said += connection.recv(65_536)
    head, _, body = said.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65_536)
    return head


def _slack(server: OddServer, channel: str = "#aws-root") -> Slack:
    token = Credential(f"xoxb-{PLANTED}")
    return Slack(
        name="a",
        token=token,
        secrets=Secrets([token]),
        channel=channel,
        clock=SystemClock(),
        timeout=timedelta(seconds=5),
        base_url=server.url,
    )


def test_no_odd_answer_to_a_post_is_an_exception_or_counts_as_sent(server: OddServer) -> None:
    """By token and by webhook: what is odd may have been posted."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice, clock = random.Random(seed), SystemClock()
    slack = _slack(server)
    url = Credential(f"{server.url}services/x")
    webhook = SlackWebhook(name="b", url=url, secrets=Secrets([url]), clock=clock, timeout=timedelta(seconds=5))
    for number in range(CASES):
        case = webhook_case(dice) if number % 2 else api_case(dice)
        server.answer = case.answer
        before = len(server.asked)
        outcome = (webhook if number % 2 else slack).post(PAYLOAD, delivery_id="d1", thread_ts=None)
        assert before + 1 == len(server.asked), case
        if isinstance(outcome, Sent):
            assert case.confirms, case.answer[:2_000]
        else:
            assert len(outcome.reason) <= LONGEST_TEXT


def test_no_odd_answer_to_a_read_is_more_than_a_retry(server: OddServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who the bot is, what the channel holds, deleting: an exception of another kind would end the courier."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    monkeypatch.setattr(read_back, "LONGEST_WAIT", timedelta(0))  # nobody waits here
    for _ in range(CASES // 4):
        slack = _slack(server, dice.choice(["#aws-root", "C0SECURITY"]))
        assert slack.reader
        calls: list[Callable[[], object]] = [
            slack.reader.introduce,
            partial(slack.reader.find, {"d1": None, "d2": TS}, since=SINCE),
            partial(slack.reader.history, since=SINCE, threads=[TS]),
            partial(slack.reader.delete, Posted("C0SECURITY", TS)),
            slack.check,
        ]
        dice.shuffle(calls)
        for call in calls[:3]:
            server.answer = api_case(dice).answer
            with suppress(RetryError, PermanentError):
                call()
        with suppress(RetryError, PermanentError):
            server.answer = b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps(GOOD).encode()
            slack.reader.introduce()
        link = slack.reader.permalink(Posted("C0SECURITY", TS))
        assert link is None or len(link) < LONGEST_TEXT
