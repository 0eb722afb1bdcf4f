"""The ledger: what was seen, what is to be told, what was sent. Poll and deliver meet here and nowhere else."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from alertd.event.event import Event
from alertd.ledger.model import (
    Attempt,
    DestinationState,
    Episode,
    Match,
    Message,
    MessageState,
    Notification,
    NotificationKind,
    Past,
    RuleState,
    Scan,
)


class Ledger(Protocol):
    """Every method is one transaction, durable when it returns. Safe to use from several threads.

    LedgerUnusableError, from any method: the store cannot be read or written (disk full, I/O error). Nothing of the
    transaction happened, or, after an I/O error, nobody knows: the process must end and start again.
    """

    # poll
    def rule_states(self, rule_set: str, rules: Collection[str] | None = None) -> Mapping[str, RuleState]:
        """By rule: of these, or of all that ever ran."""

    def unseen(self, rule_set: str, keys: Collection[str]) -> frozenset[str]:
        """Those of the event keys that this rule set has no match for."""

    def begin(self, rule_set: str, rules: Mapping[str, str], *, now: datetime) -> None:
        """Note when those of the rules (rule → fingerprint) began that never ran before."""

    def heal(self, rule_set: str, *, noted: datetime, began: datetime, latest: datetime, now: datetime) -> bool:
        """Rules that were noted to begin at `noted`, and were not looked for yet, began at `began`. What lies beyond
        `latest` is put right: what was searched counts anew from `now`; what is older than `began`, or was covered
        before, is listed at most. Whether there was any."""

    def record(self, matches: Sequence[Match], *, now: datetime, scans: Sequence[Scan] = ()) -> int:
        """Insert or ignore events, matches and their notifications; with the last page of a scan also the scan.
        Its rules are covered until its start (which never moves back), and their fingerprints are the ones in force.
        Returns how many matches were new.

        A match (event key x rule set) is inserted once. For each name in `notify`: the first to tell this event there
        becomes a `message` (`session` where the rule delivers so, `baseline` for MatchKind.BASELINE); a further rule
        set's alert becomes an `echo`; a further baseline match is kept as the match alone, and so is any
        MatchKind.EXCEPTED. A quiet fast scan (new == 0) updates the rule set's last scan in place rather than adding
        a row.
        """

    # deliver
    def destination(self, name: str) -> DestinationState: ...

    def save_destination(self, state: DestinationState) -> None: ...

    def waiting_count(self, destination: str, kind: NotificationKind) -> int:
        """Notifications of this kind that are in no message yet."""

    def urgencies(self, destination: str) -> Mapping[NotificationKind, int]:
        """By kind of what is in no message yet: how urgent the most urgent is."""

    def waiting(self, destination: str, kind: NotificationKind, *, limit: int) -> tuple[Notification, ...]:
        """Notifications of this kind that are in no message yet: the most urgent first, of these the oldest event.
        An echo counts once the event itself is in a message."""

    def waiting_sessions(self, destination: str, *, gathered: datetime) -> tuple[tuple[str, int], ...]:
        """Sessions with waiting calls of which some were seen before `gathered`, or two minutes after it, by a clock
        that was ahead; with their urgency, the most urgent first. "" stands for calls without a session."""

    def waiting_of_session(self, destination: str, session: str, *, limit: int) -> tuple[Notification, ...]:
        """Its waiting calls, oldest first: their order is kept whatever the severity of each."""

    def waiting_past(self, destination: str) -> tuple[Past, ...]:
        """By rule set whose look into the past is complete: what it found that is in no message yet."""

    def newest_of_past(self, destination: str, past: Past, *, limit: int) -> tuple[Notification, ...]:
        """Newest first."""

    def keys_of_past(self, destination: str, past: Past) -> Iterator[list[str]]:
        """The keys of all its events, some at a time."""

    def freeze(self, message: Message, notifications: Iterable[int], *, session: str | None = None) -> None:
        """Store a new pending message and put these waiting notifications into it, in the given order. Of a session:
        no earlier message of it is less urgent from now on, so that none overtakes another."""

    def freeze_past(self, message: Message, past: Past) -> None:
        """The same for all that a look into the past found."""

    def hurry(self, delivery_id: str, urgency: int) -> None:
        """Something more urgent waits for this message to be sent."""

    def replay(self, messages: Sequence[Message]) -> None:
        """Store pending messages that tell again what others told: all of them, or none. No event moves to them."""

    def drop_echoes(self, notifications: Iterable[int]) -> None:
        """Close echo notifications without a message: the destination has no threads."""

    def next_pending(self, destination: str, *, now: datetime, ops_first: bool = True) -> Message | None:
        """The most urgent pending message, of these the oldest, that may be sent now: not_before is over and its
        thread's parent, if it has one, is sent (or dead: then it goes to the top level). Replays come last.
        Messages about alertd itself go before the others or, without `ops_first`, behind: so they can take turns."""

    def message(self, delivery_id: str) -> Message: ...

    def messages(self, destination: str, state: MessageState) -> tuple[Message, ...]:
        """Oldest first."""

    def to_sweep(self, destination: str) -> tuple[Message, ...]:
        """Sent messages with repeat_possible that have sweeps to come (not_before not null)."""

    def tried(self, destination: str) -> tuple[Message, ...]:
        """What the channel may have to be read for: open messages with an attempt, and those of to_sweep."""

    def save_waits(self, messages: Sequence[Message], *, destination: DestinationState, fact: tuple[str, str]) -> None:
        """Store new deadlines of messages, which keep their states, and of their destination, and remember the fact
        that goes with it: one transaction."""

    def session_parent(self, destination: str, session: str) -> Message | None:
        """The message that first told an event of this session there, in whatever state."""

    def save(
        self,
        message: Message,
        *,
        was: MessageState,
        attempt: Attempt | None = None,
        destination: DestinationState | None = None,
    ) -> None:
        """Store the message's new values if its state still is `was` (LedgerConflictError otherwise), insert or
        replace the attempt, store the destination's state: one transaction."""

    def items(self, delivery_id: str) -> tuple[Notification, ...]:
        """What a message tells, in its order."""

    # alertd itself
    def episodes(self) -> tuple[Episode, ...]:
        """Those that are not over, oldest first."""

    def save_episode(self, episode: Episode, message: Message | None = None) -> None:
        """Insert or replace an episode (by subject and beginning); store the new pending message that tells of it."""

    def remembered(self, name: str) -> str | None:
        """A fact that was kept under this name."""

    def remember(self, name: str, value: str, message: Message | None = None) -> None:
        """Keep a fact, and store the new pending message that goes with it."""

    # people
    def attempts(self, delivery_id: str) -> tuple[Attempt, ...]: ...

    def find_events(self, text: str) -> tuple[Event, ...]:
        """Events whose id or key is, or begins with, `text`."""

    def prune(self, *, before: datetime) -> int:
        """Forget events that happened and were seen before `before`, with everything that hangs on them, but nothing
        undelivered; notes of each rule that it did. Returns how many."""

    def close(self) -> None: ...
