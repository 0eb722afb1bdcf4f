"""From the log alone: the life of each message and event, and whether it agrees with what Slack received.

What the log can prove, where the process may die between a commit and its line:
- an event is logged before it is recorded, what a message names before it is frozen, an attempt after its commit and
  before the post. So nothing that Slack receives lacks its line, whenever the process dies.
- an outcome is logged after its commit: a death may hide that one step. Each death explains one hidden step, no more,
  and only between the processes; within a process the steps must follow from each other.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.judging import EVENT_ID, MARK
from tests.chaos.slack_process import Seen

# What Slack answered: the request had come.
_ANSWERED = frozenset({"Sent", "Throttled", "PayloadRefused", "DestinationRefused", "ThreadGone"})
_STEPS = ("attempt_started", "attempt_ended", "unknown_send_found", "doubt_read", "copies_swept")

State = tuple[str, int]  # of the message, and its attempts so far
Line = Mapping[str, Any]  # an entry of the log: JSON


@dataclass(slots=True)
class Life:
    """One message. `states`: where it may be by now, and how many steps no line told of until then."""

    destination: str
    kind: str
    keys: list[str] = field(default_factory=list)
    states: dict[State, int] = field(default_factory=lambda: {("pending", 0): 0})
    started: set[int] = field(default_factory=set)
    outcomes: dict[int, str] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)  # each ts that Slack or its history told

    def end(self) -> tuple[str, int]:
        """Where it is after an orderly stop with nothing open, and how many steps no line told of. A message that was
        never tried may be a draft: its freezing was not committed, and its events went into another."""
        if not self.started:
            return "draft", 0
        sent = [cost for (name, _), cost in self.states.items() if name == "sent"]
        if sent:
            return "sent", min(sent)
        (name, _), cost = min(self.states.items(), key=lambda each: each[1])
        return name, cost

    def take(self, line: Line) -> bool:
        """Whether the step follows from where the message may have been."""
        states = {after: cost for state, cost in self.states.items() if (after := _after(state, line))}
        if not states:
            return False
        self.states = states
        number = line["attempt"]
        if line["event"] == "attempt_started":
            self.started.add(number)
        if line["event"] == "attempt_ended":
            self.outcomes[number] = line["outcome"]
        if line.get("ts"):
            self.confirmed.add(line["ts"])
        return True

    def survive_death(self) -> None:
        """The process died: one step may have been committed and not told."""
        for state, cost in list(self.states.items()):
            for hidden in _hidden_after(state):
                self.states.setdefault(hidden, cost + 1)


@dataclass(slots=True)
class Book:
    """What the log has told so far."""

    lives: dict[str, Life] = field(default_factory=dict)  # by delivery id
    matched: dict[str, str] = field(default_factory=dict)  # event key → kind of match
    deaths: int = 0
    problems: list[str] = field(default_factory=list)


def replay(lines: Iterable[str], seen: Seen) -> list[str]:
    """Everything in which the log contradicts itself or Slack. Several processes one after the other, the last one
    stopped in order."""
    book = Book()
    ordered = True
    for line in _parsed(lines, book.problems):
        if line["event"] == "starting":
            if not ordered:
                book.deaths += 1
                for life in book.lives.values():
                    life.survive_death()
            ordered = False
        ordered = ordered or line["event"] == "stopped"
        _note(book, line)
    if not ordered:
        book.problems.append("the log does not end with an orderly stop")
    hidden = sum(cost for _, cost in map(Life.end, book.lives.values()))
    if hidden > book.deaths:
        book.problems.append(f"{hidden} steps without a line, but only {book.deaths} deaths")
    return [*book.problems, *_posts(book, seen), *_messages(book, seen), *_events(book)]


def _parsed(lines: Iterable[str], problems: list[str]) -> Iterator[Line]:
    """The last line of a process may be torn; no other."""
    torn = None
    for text in lines:
        try:
            line = json.loads(text)
        except ValueError:
            problems += [f"not an entry: {torn}"] if torn else []
            torn = text
            continue
        if torn and line["event"] != "starting":
            problems.append(f"not an entry: {torn}")
        torn = None
        yield line
    problems += [f"not an entry: {torn}"] if torn else []


def _note(book: Book, line: Line) -> None:
    if line["event"] == "event_matched":
        book.matched[line["event_key"]] = line["kind"]
    elif line["event"] == "message_composed":
        life = book.lives.setdefault(line["delivery_id"], Life(line["destination"], line["kind"]))
        life.keys += line["event_keys"]
        unmatched = set(line["event_keys"]) - book.matched.keys()
        book.problems += [f"{line['delivery_id']} names {key}, which no scan matched" for key in unmatched]
    elif line["event"] in _STEPS:
        known = book.lives.get(line["delivery_id"])
        if known is None:
            book.problems.append(f"{line['event']} of {line['delivery_id']}, which was never composed")
        elif not known.take(line):
            book.problems.append(f"{line['event']} of {line['delivery_id']} when it was {known.states}: {dict(line)}")


def _after(state: State, line: Line) -> State | None:
    """Where a step leads from this state; None if it cannot be taken there."""
    name, attempts = state
    number = line["attempt"]
    match line["event"], name:
        case "attempt_started", "pending" if number == attempts + 1:
            return "sending", number
        case "attempt_ended", "sending" if number == attempts:
            return line["state"], number
        case "unknown_send_found", "sending" if number == attempts:
            return "unknown", number
        case "doubt_read", "unknown" if number == attempts:
            return line["state"], number
        case "copies_swept", "sent" if number == attempts:
            return state
    return None


def _hidden_after(state: State) -> Sequence[State]:
    name, attempts = state
    if name == "pending":
        return [("sending", attempts + 1)]
    later = {"sending": ("sent", "pending", "unknown"), "unknown": ("sent", "pending")}
    return [(after, attempts) for after in later.get(name, ())]


def _posts(book: Book, seen: Seen) -> Iterator[str]:
    """Each post had its attempt; each answer had its post."""
    posts = Counter(post for post in seen.posts if post)
    yield from (f"Slack received {name}, and the log has no attempt" for name in posts.keys() - book.lives.keys())
    for name, life in book.lives.items():
        least = sum(outcome in _ANSWERED for outcome in life.outcomes.values())
        most = len(life.started) - sum(outcome == "NotSent" for outcome in life.outcomes.values())
        if not least <= posts[name] <= most:
            yield f"Slack received {name} {posts[name]} times; the log says {least} to {most}"


def _messages(book: Book, seen: Seen) -> Iterator[str]:
    """What is sent is shown, once or marked, with the events that the log says it names."""
    shown = defaultdict(list)
    for message in seen.shown:
        shown[message.delivery_id].append(message)
    for name, life in book.lives.items():
        messages = shown[name]
        state, _ = life.end()
        if state == "sent" and not messages:
            yield f"{name} is sent, and nobody sees it"
        if state != "sent" and (messages or state != "draft"):
            yield f"{name} is {state}, and {len(messages)} messages are seen"
        if sum(MARK not in message.payload for message in messages) > 1:
            yield f"{name} is seen {len(messages)} times without a mark"
        if not life.confirmed <= {message.ts for message in messages}:
            yield f"{name} was confirmed as {life.confirmed}, and is seen as {[message.ts for message in messages]}"
        named = {found for key in life.keys for found in EVENT_ID.findall(key)}
        for message in messages:
            if life.kind in {"event", "digest"} and named != set(EVENT_ID.findall(message.payload)):
                yield f"{name} names other events in Slack than in the log"


def _events(book: Book) -> Iterator[str]:
    """Each matched event went into one message that was sent, at each destination."""
    told: Counter[tuple[str, str]] = Counter()
    for life in book.lives.values():
        if life.kind != "echo" and life.end()[0] == "sent":
            told.update((life.destination, key) for key in set(life.keys))
    for destination in {life.destination for life in book.lives.values()}:
        for key, kind in book.matched.items():
            if told[destination, key] != (0 if kind == "excepted" else 1):
                yield f"{key} was told {told[destination, key]} times to {destination}"
