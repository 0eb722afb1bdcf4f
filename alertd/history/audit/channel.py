"""The ledger beside the channels: is each message there, once, and does it name its events?"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from alertd.destination import Shown
from alertd.history.audit import Finding, Judged, Kind, Place, Records, Unverified
from alertd.ledger.model import MatchKind, Message, MessageKind, MessageState, NotificationKind
from alertd.message.words import counted

# Slack takes one message a second in a channel, and may hide what comes faster although it answered ok.
BURST = timedelta(seconds=1)
# A post has ended, one way or the other, after this.
LONGEST_POST = timedelta(minutes=1)
# Ids that no escaping can have changed: only of these does an absence from the text say anything.
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]+")
# A baseline names the newest that fit, by design; an echo and a list name each.
_NAMES_EACH = frozenset({MessageKind.EVENT, MessageKind.DIGEST, MessageKind.SESSION, MessageKind.ECHO})

Verdict = Finding | Unverified | None  # None: proven


def judge_channels(records: Records, places: Mapping[str, Place], *, now: datetime) -> Judged:
    """`places`: every destination that the ledger names."""
    findings = [*_waiting(records), *_strangers(records, places)]
    unverified: list[Unverified] = []
    messages: Counter[str] = Counter()
    events: Counter[str] = Counter()
    channel = _indexed(records, places, now)
    for message in records.messages:
        verdict = channel.verdict(message)
        if isinstance(verdict, Finding):
            findings.append(verdict)
        elif verdict:
            unverified.append(verdict)
        else:
            messages[message.destination] += 1
            events[message.destination] += _events_told(records, message)
    return Judged(tuple(findings), _summed(unverified), messages, events)


@dataclass(frozen=True, slots=True)
class _Channels:
    records: Records
    places: Mapping[str, Place]
    copies: Mapping[tuple[str, str], Sequence[Shown]]  # by destination and delivery id
    replays: Mapping[str, Sequence[Message]]  # by delivery id of what they repeat
    bursts: Collection[str]  # delivery ids of what was posted within a second of another post
    now: datetime

    def verdict(self, message: Message) -> Verdict:
        copies = self._copies(message)
        if len(copies) > 1:
            return self._found(Kind.REPEATED, message, f"is in the channel {len(copies)} times", copies)
        match message.state:
            case MessageState.PENDING:
                why = f": {message.last_error}" if message.last_error else ""
                return self._found(Kind.OPEN, message, f"waits to be sent{why}", since=message.created_at)
            case MessageState.SENDING if self.now - (message.attempted_at or message.created_at) < LONGEST_POST:
                return self._found(Kind.OPEN, message, "is being sent", since=message.attempted_at)
            case MessageState.SENDING | MessageState.UNKNOWN:
                return self._found(Kind.UNKNOWN, message, _doubt(message, copies), copies, message.unknown_since)
            case MessageState.DEAD:
                return self._found(Kind.MISSING, message, "was given up by an operator")
            case MessageState.SENT:
                return self._sent(message, copies)

    def _sent(self, message: Message, copies: Sequence[Shown]) -> Verdict:
        why = self._out_of_reach(message, self.places[message.destination])
        if why is None:
            return self._named(message, copies[0]) if copies else self._absent(message)
        # of the events, only those that nothing else told
        place = self.places[message.destination]
        instead = "not compared" if place.history else place.instead
        return Unverified(message.destination, why, 1, _events_told(self.records, message), instead)

    def _out_of_reach(self, message: Message, place: Place) -> str | None:
        """Why the channel says nothing about this message."""
        if place.history is None:
            return place.why
        if message.channel and message.channel != place.history.channel:
            return f"was sent to {message.channel}, which is not the channel that is configured now"
        if self._copies(message):
            return None
        if place.read_at and message.sent_at and message.sent_at > place.read_at - place.settle:
            return "may not show what was sent just now"
        return "no longer shows what was about alertd itself" if message.kind is MessageKind.OPS else None

    def _absent(self, message: Message) -> Verdict:
        if self._is_replayed(message):
            return None
        if message.delivery_id in self.bursts:
            what = "was taken by Slack within a second of another one, and is not shown: Slack hides bursts"
            return self._found(Kind.SUPPRESSED, message, what)
        what = "was sent and is not in the channel: deleted by a person, hidden by Slack, or past its retention"
        return self._found(Kind.MISSING, message, what)

    def _named(self, message: Message, copy: Shown) -> Verdict:
        if message.kind not in _NAMES_EACH or message.replay_of:
            return None
        unnamed = self._told(message) - _words(copy)
        if not unnamed:
            return None
        what = f"is in the channel, but does not name {', '.join(sorted(unnamed))}"
        return self._found(Kind.MISSING, message, what, (copy,))

    def _is_replayed(self, message: Message) -> bool:
        """Whether replays that the channel shows name every event of it."""
        shown = [copy for replay in self.replays.get(message.delivery_id, ()) for copy in self._copies(replay)]
        return bool(shown) and self._told(message) <= {word for copy in shown for word in _words(copy)}

    def _told(self, message: Message) -> set[str]:
        items = self.records.items.get(message.delivery_id, ())
        return {event_id for event_id in items if _PLAIN_ID.fullmatch(event_id)}

    def _copies(self, message: Message) -> Sequence[Shown]:
        return self.copies.get((message.destination, message.delivery_id), ())

    def _found(
        self, kind: Kind, message: Message, what: str, copies: Sequence[Shown] = (), since: datetime | None = None
    ) -> Finding:
        events = self.records.items.get(message.delivery_id, ())
        about = f"event {events[0]}" if len(events) == 1 else f"{len(events)} events" if events else "alertd itself"
        replay = " (a replay)" if message.replay_of else ""
        links = tuple(map(_link, copies)) or ((message.permalink,) if message.permalink else ())
        return Finding(
            kind, f"message {message.delivery_id[:6]}{replay} about {about} {what}", message.destination,
            message.delivery_id, events, since, links,
        )  # fmt: skip


def _indexed(records: Records, places: Mapping[str, Place], now: datetime) -> _Channels:
    copies: defaultdict[tuple[str, str], list[Shown]] = defaultdict(list)
    for destination, place in places.items():
        for shown in place.history.shown if place.history else ():
            copies[destination, shown.delivery_id].append(shown)
    replays: defaultdict[str, list[Message]] = defaultdict(list)
    for message in records.messages:
        if message.replay_of:
            replays[message.replay_of].append(message)
    return _Channels(records, places, copies, replays, _bursts(records, places), now)


def _bursts(records: Records, places: Mapping[str, Place]) -> set[str]:
    """Each destination keeps the pace; two of them that post to the same channel know nothing of each other."""
    posts: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for message in records.messages:
        history = places[message.destination].history
        channel = message.channel or (history.channel if history else None)
        if channel and message.attempted_at and message.state is MessageState.SENT:
            posts[channel].append((message.attempted_at, message.delivery_id))
    bursts: set[str] = set()
    for posted in posts.values():
        for (first, one), (second, other) in pairwise(sorted(posted)):
            bursts |= {one, other} if second - first < BURST else set()
    return bursts


def _events_told(records: Records, message: Message) -> int:
    """How many events it was the first to tell."""
    again = message.replay_of or message.kind is MessageKind.ECHO
    return 0 if again else len(records.items.get(message.delivery_id, ()))


def _doubt(message: Message, copies: Sequence[Shown]) -> str:
    there = "; the channel shows it, once" if copies else ""
    return f"was sent without an answer ({message.last_error or 'alertd stopped while sending'}){there}"


def _waiting(records: Records) -> Iterator[Finding]:
    """Events that are in no message yet, and alerts that were meant for nobody."""
    waiting: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for fate in records.fates:
        if fate.destination is None:
            if fate.match is MatchKind.ALERT:
                what = f"event {fate.event_id} of rule {fate.rule} was recorded, and is meant for no destination"
                yield Finding(Kind.MISSING, what, events=(fate.event_id,))
        elif fate.delivery_id is None and not (fate.closed and fate.kind is NotificationKind.ECHO):
            waiting[fate.destination].append((fate.seen_at, fate.event_id))
    for destination, those in waiting.items():
        events = tuple(event_id for _, event_id in sorted(those))
        what = f"{counted(len(events), 'event')} to be put into a message"
        yield Finding(Kind.OPEN, what, destination, events=events, since=min(those)[0])


def _strangers(records: Records, places: Mapping[str, Place]) -> Iterator[Finding]:
    """Messages with our mark, by our bot, that the ledger does not know: it was lost, or an old copy was restored."""
    known = {message.delivery_id for message in records.messages} | set(records.known)
    for destination, place in places.items():
        told = {fate.event_id for fate in records.fates if fate.destination == destination and fate.delivery_id}
        for shown in place.history.shown if place.history else ():
            again = tuple(sorted(_words(shown) & told)) if shown.delivery_id not in known else ()
            if again:
                named = again[0] if len(again) == 1 else f"{len(again):,} events"
                what = f"message {shown.delivery_id[:6]}, unknown to the ledger, names {named} again"
                yield Finding(Kind.REPEATED, what, destination, shown.delivery_id, again, links=(_link(shown),))


def _link(shown: Shown) -> str:
    return shown.permalink or f"ts {shown.posted.ts}"


def _words(shown: Shown) -> set[str]:
    return set(_PLAIN_ID.findall(shown.text))


def _summed(unverified: Sequence[Unverified]) -> tuple[Unverified, ...]:
    messages: Counter[Unverified] = Counter()
    events: Counter[Unverified] = Counter()
    for each in unverified:
        alike = replace(each, messages=0, events=0)
        messages[alike] += each.messages
        events[alike] += each.events
    return tuple(replace(alike, messages=count, events=events[alike]) for alike, count in messages.items())
