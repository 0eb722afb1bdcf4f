"""Rules as the rest of alertd sees them: frozen, checked, with the place each came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path


class Severity(StrEnum):
    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Deliver(StrEnum):
    MESSAGE = "message"  # one event, one message
    SESSION = "session"  # listed in the thread of the session's first message, at most one reply a minute


@dataclass(frozen=True, slots=True)
class Query:
    """A query in its own language, and the same as a clause of query DSL."""

    language: str  # "lucene", "kql" or "dsl"
    text: str  # as written; for dsl, compact JSON
    clause: Mapping[str, object]
    where: str  # "rules/team.toml:22"
    weight: int = 1  # about how many of the clauses that a server counts
    first_line: int | None = None  # of the file, on which its text begins; None: its lines are not those of the file


@dataclass(frozen=True, slots=True)
class Sample:
    """A document of a rule test, and the place to look for it."""

    document: Mapping[str, object]
    where: str  # "events/console-login.json", "rules/team.toml:31"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A file with the messages that a test's events make."""

    where: str  # as the rule file names it
    path: str
    text: str | None  # None: there is no such file yet


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One [[rules.tests]]: each of these documents, in an index of its own kind, must give `expect`."""

    name: str
    samples: tuple[Sample, ...]
    # "match": this rule takes it; "no match": no rule of the set does; the id of the rule that does; or "exception":
    # this rule takes it, but one of its exceptions keeps it silent
    expect: str
    where: str
    missing: tuple[str, ...] = ()  # files of its events that are not here
    message_contains: tuple[str, ...] = ()
    message_equals: str | None = None  # as a terminal shows it
    snapshot: Snapshot | None = None

    @property
    def reads_messages(self) -> bool:
        return bool(self.message_contains or self.message_equals is not None or self.snapshot)


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What a message says about the rule that took an event. Stored with the match: the rule may be gone by then."""

    rule_set: str
    id: str
    title: str
    severity: Severity
    deliver: Deliver = Deliver.MESSAGE
    runbook: str | None = None
    summary: str | None = None  # template of the headline; None: the default one
    document: tuple[tuple[str, str], ...] = ()  # of the event's document: path and value of what the template names


@dataclass(frozen=True, slots=True)
class RuleException:
    """Events of a rule that are known and not told, for a time. The ledger keeps them, with the reason."""

    name: str  # of its query in a search: "RULE#1"; no rule has such an id
    query: Query
    reason: str
    until: datetime  # what happens from then on is told again
    where: str


@dataclass(frozen=True, slots=True)
class Silence:
    """One warning about rules that is not to be told. `silence = { R201 = "both spellings are meant" }`."""

    code: str
    reason: str
    where: str


@dataclass(frozen=True, slots=True)
class Rule:
    facts: RuleFacts
    query: Query
    notify: tuple[str, ...]  # names of destinations: the rule's own, else the set's, else the default
    where: str
    names_notify: bool = True  # it or its set says whom to tell; if neither does, a route may
    exceptions: tuple[RuleException, ...] = ()
    description: str = ""
    false_positives: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    tests: tuple[RuleTest, ...] = ()
    silences: tuple[Silence, ...] = ()
    named: tuple[str, ...] = ()  # fields of a document that its template names

    @property
    def id(self) -> str:
        return self.facts.id


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One file. Its rules are tried in file order; an event belongs to the first that matches it."""

    id: str
    source: str  # name of a [sources.NAME]
    query: Query | None  # ANDed with every rule's
    rules: tuple[Rule, ...]
    path: Path
    silences: tuple[Silence, ...] = ()  # for all of the file
