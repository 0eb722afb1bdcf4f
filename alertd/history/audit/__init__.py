"""Three accounts of the same period, compared: what the search finds, what the ledger says, what the channels show.

Pure but for reading the ledger. What could not be compared is said, and never counts as proven.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from alertd.destination import History
from alertd.ledger.model import MatchKind, Message, NotificationKind, RuleState

# What waits for less than this may be gathered, paced or settled yet: it is told, but no finding.
PATIENCE = timedelta(minutes=15)
# From when a document is written until every search finds it, and a little for the search itself.
SEARCHABLE = timedelta(minutes=1)


class Kind(StrEnum):
    MISSING = "missing"  # matched and unknown to the ledger, or sent and no longer in the channel
    REPEATED = "repeated"  # in the channel more often than once
    SUPPRESSED = "suppressed"  # Slack answered ok to a burst, and does not show it
    UNKNOWN = "unknown"  # sent without an answer, and not settled
    OPEN = "open"  # waits to be seen or sent


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    what: str
    destination: str | None = None
    delivery_id: str | None = None
    events: tuple[str, ...] = ()  # ids
    since: datetime | None = None  # OPEN, UNKNOWN: since when; None where its time has not come yet
    links: tuple[str, ...] = ()

    def counts(self, now: datetime) -> bool:
        """Whether it breaks the promise: what only waits may be on its way."""
        return self.kind is not Kind.OPEN or (self.since is not None and now - self.since > PATIENCE)


@dataclass(frozen=True, slots=True)
class Unverified:
    """So many messages or events that nobody can judge, and why."""

    where: str  # a destination, or a rule
    why: str  # "cannot be read back"
    messages: int = 0
    events: int = 0
    instead: str = "not compared"  # "taken on Slack's word"


@dataclass(frozen=True, slots=True)
class Found:
    """An event that a rule takes, as the search finds it now."""

    rule_set: str
    rule: str
    key: str
    event_id: str
    time: datetime | None  # None: its document does not tell
    arrived: datetime | None  # when it was indexed, where the pipeline notes it
    excepted: bool = False


@dataclass(frozen=True, slots=True)
class Cover:
    """What the ledger says of one rule that is configured now."""

    state: RuleState | None
    is_current: bool  # it ran as it is written now
    swept_at: datetime | None  # when the last complete sweep of its set began
    sweep_every: timedelta
    look_back: timedelta | None = None  # what becomes searchable later than that is not looked for


@dataclass(frozen=True, slots=True)
class Fate:
    """What the ledger says of an event of the period, for one rule set and one destination (None: told nowhere)."""

    key: str
    event_id: str
    time: datetime
    rule_set: str
    rule: str
    match: MatchKind
    seen_at: datetime
    destination: str | None = None
    kind: NotificationKind | None = None
    closed: bool = False
    delivery_id: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A destination and what its channel shows. Without a history `why` says what stands in the way."""

    history: History | None
    why: str = ""
    instead: str = "not compared"
    settle: timedelta = timedelta(0)  # a message may show as late as this after it was sent
    read_at: datetime | None = None  # when the read began


@dataclass(frozen=True, slots=True)
class Records:
    """The ledger's account."""

    fates: tuple[Fate, ...]
    messages: tuple[Message, ...]  # of the period, and every one that tells an event of it
    items: Mapping[str, tuple[str, ...]]  # delivery id → ids of the events that it tells
    known: Collection[str] = frozenset()  # delivery ids in the channels that the ledger knows, of whatever time


@dataclass(frozen=True, slots=True)
class Judged:
    """One comparison's result; `proven` counts per destination (or rule set)."""

    findings: tuple[Finding, ...] = ()
    unverified: tuple[Unverified, ...] = ()
    proven_messages: Mapping[str, int] = field(default_factory=dict)
    proven_events: Mapping[str, int] = field(default_factory=dict)
