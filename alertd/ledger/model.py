"""What the ledger keeps, as values. The states are documented here and enforced by the schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alertd.event.event import Event
from alertd.rules.model import RuleFacts, Severity


class MatchKind(StrEnum):
    ALERT = "alert"
    BASELINE = "baseline"  # older than the rule (or than its change): listed in one digest
    EXCEPTED = "excepted"  # an exception of its rule keeps it silent: recorded, counted, told to nobody


class ScanKind(StrEnum):
    FAST = "fast"  # since the last complete scan, with an overlap
    SWEEP = "sweep"  # the whole look-back again
    BASELINE = "baseline"  # the first look of a new or changed rule


@dataclass(frozen=True, slots=True)
class Match:
    """An event and the rule that takes it, as poll hands it over."""

    event: Event
    rule: RuleFacts
    kind: MatchKind
    notify: tuple[str, ...]
    also: tuple[str, ...] = ()  # ids of the later rules of the set that match it too
    exception: str | None = None  # EXCEPTED only: the reason, and until when it holds


@dataclass(frozen=True, slots=True)
class Scan:
    """One completed search of a time range for one rule set."""

    rule_set: str
    kind: ScanKind
    started_at: datetime  # alertd's clock
    finished_at: datetime
    reach: timedelta  # how far back from started_at it looked
    candidates: int  # documents that the search returned
    new: int  # events recorded by it
    covered: Mapping[str, str]  # the rules that it looked for → their fingerprints
    # By the search server's clock: every moment from `since` to `until` was searched. None: as alertd's clock has it.
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RuleState:
    """What the ledger knows of one rule: by its fingerprint a changed rule is told from an old one."""

    rule_set: str
    rule: str
    fingerprint: str
    started_at: datetime  # when alertd first ran it
    covered_until: datetime | None  # start of the last complete scan that included it; None before its baseline
    floor: datetime | None = None  # how far back its first scan looked: what is older is listed, never alerted
    forgotten_before: datetime | None = None  # what is older may be forgotten: it is listed too, lest it be told twice
    searched_since: datetime | None = None  # how far back any complete scan looked


_SEVERITIES = tuple(Severity)


def urgency(severity: Severity) -> int:
    """0 info to 4 critical."""
    return _SEVERITIES.index(severity)


class NotificationKind(StrEnum):
    """Why an event is told to a destination. The first three tell the event: one of them a destination."""

    MESSAGE = "message"
    SESSION = "session"
    BASELINE = "baseline"
    ECHO = "echo"  # a further rule set took an event that was told already: a reply in its thread, or nothing


@dataclass(frozen=True, slots=True)
class Notification:
    """An event x a destination, waiting to be put into a message."""

    id: int
    destination: str
    kind: NotificationKind
    event: Event
    rule: RuleFacts
    seen_at: datetime
    told_by: str | None = None  # ECHO only: delivery id of the message that told the event, once there is one


@dataclass(frozen=True, slots=True)
class Past:
    """What a look into the past of a rule set found and nobody was told of."""

    rule_set: str
    number: int
    last: int  # the greatest id of its notifications: more may come meanwhile


class MessageState(StrEnum):
    """
    pending → sending → sent            the ordinary life
    sending → pending                   certainly not sent: tried again at not_before
    sending → unknown                   nobody can tell, or alertd died while sending: never posted again blindly
    unknown → sent                      found in the channel
    unknown → pending                   read back and not there (or, unreadable, to be repeated with a mark)
    any but sent → dead                 an operator gave it up
    """

    PENDING = "pending"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    DEAD = "dead"


class MessageKind(StrEnum):
    EVENT = "event"
    DIGEST = "digest"
    SESSION = "session"
    BASELINE = "baseline"
    ECHO = "echo"
    OPS = "ops"  # about alertd itself: carries no event


@dataclass(frozen=True, slots=True)
class Message:
    """One frozen payload for one destination."""

    delivery_id: str
    destination: str
    kind: MessageKind
    payload: str  # the JSON that is posted, byte for byte at every attempt
    created_at: datetime
    state: MessageState = MessageState.PENDING
    thread_of: str | None = None  # delivery id of the thread's parent; waits until that is sent
    attempts: int = 0
    not_before: datetime | None = None  # earliest next attempt, or next read-back while unknown
    attempted_at: datetime | None = None  # when the last attempt began: its row was committed as sending
    unknown_since: datetime | None = None
    negative_reads: int = 0  # complete reads of the channel, since the last attempt, that did not find it
    plain: bool = False  # the payload was refused once and replaced by the minimal one
    repeat_possible: bool = False  # posted again after an unknown attempt: watched for copies
    sweeps: int = 0  # reads for copies done since it was sent
    channel: str | None = None
    ts: str | None = None
    permalink: str | None = None
    sent_at: datetime | None = None
    last_error: str | None = None
    replay_of: str | None = None  # delivery id of the message that it tells again, at an operator's word
    urgency: int = 0  # of the gravest event in it: what is greater is sent first
    read_since: datetime | None = None  # from here on the channel is read for it: before its first attempt


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one message; without an end, the process died in it."""

    delivery_id: str
    number: int
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str | None = None  # name of the Outcome class, or "read back: found", "read back: not found"
    detail: str | None = None


class DestinationCondition(StrEnum):
    OK = "ok"
    PAUSED = "paused"  # throttled or unreachable: nothing is sent before paused_until
    BLOCKED = "blocked"  # refuses every message until a person repairs it; probed at paused_until


@dataclass(frozen=True, slots=True)
class DestinationState:
    name: str
    condition: DestinationCondition = DestinationCondition.OK
    reason: str | None = None
    since: datetime | None = None
    paused_until: datetime | None = None
    failures: int = 0  # in a row: they lengthen the pause
    next_post_at: datetime | None = None  # pacing
    flooding: bool = False  # more waits than is sent singly: digests until it has drained


@dataclass(frozen=True, slots=True)
class Episode:
    """A trouble of alertd's own, from its beginning to its end."""

    subject: str  # "source cloudtrail", "destination security", "rule team-root"
    text: str  # what is wrong and what alertd does about it
    began_at: datetime
    told_at: datetime  # when people were last told, by told_by
    told_by: str | None = None  # delivery id; None where the log alone told it
    over_at: datetime | None = None
