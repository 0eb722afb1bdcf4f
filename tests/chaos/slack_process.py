"""The Slack stand-in as a process of its own: it outlives whoever posts, and no fork of alertd inherits its threads."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from alertd.demo.slack import SlackStandIn

CHANNEL = "C0SECURITY"


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as people see it."""

    delivery_id: str | None
    ts: str
    payload: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What came to Slack, and what people see of it."""

    posts: tuple[str | None, ...]  # delivery ids, in the order in which the requests arrived
    shown: tuple[Shown, ...]
    deleted: int


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """Of posts and reads, by probability; a post may be stored late, and shows up in the history later still."""

    posts: float = 0.3
    reads: float = 0.05
    longest_late_seconds: float = 0.3
    read_lag_seconds: float = 0.2
    history_limit: int = 40  # so that the history of a round takes several pages


@dataclass(slots=True)
class SlackProcess:
    url: str
    webhook_url: str
    _pipe: Connection

    def calm(self) -> None:
        """No more faults. What is late still arrives."""
        self._ask("calm")

    def seen(self) -> Seen:
        return self._ask("seen")

    def _ask(self, question: str) -> Seen:
        self._pipe.send(question)
        answer = self._pipe.recv()
        assert isinstance(answer, Seen)
        return answer


@contextmanager
def slack_process(seed: int, bad: Misbehaviour) -> Iterator[SlackProcess]:
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=_serve, args=(theirs, seed, bad))
    process.start()
    theirs.close()
    try:
        url, webhook_url = ours.recv()
        yield SlackProcess(url, webhook_url, ours)
    finally:
        ours.close()  # which ends it
        process.join()


def _serve(pipe: Connection, seed: int, bad: Misbehaviour) -> None:
    with SlackStandIn() as slack:
        slack.workspace.add_channel(id=CHANNEL, name="aws-root")
        slack.workspace.read_lag_seconds = bad.read_lag_seconds
        slack.workspace.history_limit = bad.history_limit
        slack.faults.random(seed, bad.posts, reads=bad.reads, longest_late_seconds=bad.longest_late_seconds)
        pipe.send((slack.url, slack.webhook_url(CHANNEL)))
        while True:
            try:
                question = pipe.recv()
            except EOFError:
                return
            if question == "calm":
                slack.faults.random(seed, 0.0)
            pipe.send(seen_of(slack))


def seen_of(slack: SlackStandIn) -> Seen:
    shown = tuple(
        Shown(message.delivery_id, message.ts, message.payload)
        for message in slack.workspace.visible(slack.workspace.find(CHANNEL))
    )
    return Seen(tuple(slack.posts), shown, slack.requests.count("chat.delete"))
