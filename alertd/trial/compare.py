"""Two versions of rules on the same events: which they add, lose, or move to another rule.

Events stream through: what is kept does not grow with their number.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from alertd.rules.compile import exception_of, first_rule, named_queries
from alertd.rules.model import RuleSet
from alertd.rules.samples import parse_event
from alertd.trial.panel import Document, Matched, Panel, Server

# Events in one round. Whole ones are held meanwhile, as text.
BATCH = 5_000
MOST_REFUSED_NAMED = 10


@dataclass(frozen=True, slots=True)
class Line:
    """An event as it came: parsed again only if there is something to say about it."""

    where: str
    text: str

    @property
    def document(self) -> Document:
        """SampleError where it is no event."""
        return parse_event(self.text, self.where)


@dataclass(frozen=True, slots=True)
class Change:
    where: str
    document: Document
    before: tuple[str, ...]  # the rules that take it and tell
    after: tuple[str, ...]

    @property
    def kind(self) -> str:
        return kind_of(self.before, self.after)


@dataclass(slots=True)
class Tally:
    """What the comparison could not judge, and how much it has seen."""

    events: int = 0
    refused: dict[str, str] = field(default_factory=dict)  # the first events that no index takes, with the reason
    refused_count: int = 0
    broken: dict[str, str] = field(default_factory=dict)  # queries that the server refuses

    def refuse(self, where: str, why: str) -> None:
        self.refused_count += 1
        if len(self.refused) < MOST_REFUSED_NAMED:
            self.refused[where] = why


def kind_of(before: Sequence[str], after: Sequence[str]) -> str:
    if before and after:
        return "moves"
    return "adds" if after else "loses"


def changed_sets(old: Sequence[RuleSet], new: Sequence[RuleSet]) -> tuple[tuple[RuleSet, ...], tuple[RuleSet, ...]]:
    """Both versions without the rule sets that ask the same in both."""
    before, after = {each.id: each for each in old}, {each.id: each for each in new}
    same = {name for name in before.keys() & after.keys() if _asked(before[name]) == _asked(after[name])}
    return (
        tuple(each for each in old if each.id not in same),
        tuple(each for each in new if each.id not in same),
    )


def compare(
    old: Sequence[RuleSet],
    new: Sequence[RuleSet],
    lines: Iterable[Line],
    server: Server,
    *,
    happened: Callable[[Document], datetime],
    tally: Tally,
) -> Iterator[Change]:
    """Each event that is told by another rule, no more, or only now. SampleError, RetryError, PermanentError."""
    judge = _Judge(old, new, server, tally)
    waiting = iter(lines)
    while batch := list(islice(waiting, BATCH)):
        tally.events += len(batch)
        for line, matched in zip(batch, judge.matched(batch), strict=True):
            if isinstance(matched, str):
                tally.refuse(line.where, matched)
            elif matched:
                before, after = judge.takers(0, matched, line, happened), judge.takers(1, matched, line, happened)
                lost = tuple(name for name in before if name not in after)
                won = tuple(name for name in after if name not in before)
                if lost or won:
                    yield Change(line.where, line.document, lost, won)


@dataclass(slots=True)
class _Judge:
    """The sets' own queries are asked first: they leave out nearly everything, and look at little of an event."""

    old: Sequence[RuleSet]
    new: Sequence[RuleSet]
    server: Server
    tally: Tally
    gates: Panel = field(init=False)
    rules: Panel = field(init=False)
    gated: bool = field(init=False)  # every set has a query of its own

    def __post_init__(self) -> None:
        sets = [(version, each) for version, some in enumerate((self.old, self.new)) for each in some]
        gates = [(_name(version, each, ""), each.query) for version, each in sets if each.query]
        rules = [(_name(version, each, name), query) for version, each in sets for name, query in named_queries(each)]
        self.gated = all(each.query for _, each in sets)
        self.gates = Panel("gate", gates, self.server, self.tally.broken)
        self.rules = Panel("rule", rules, self.server, self.tally.broken)

    def matched(self, batch: Sequence[Line]) -> list[Matched | str]:
        """The names of all queries, of both versions, that match each event; or why the server refuses it."""
        documents = [line.document for line in batch]
        gates = self.gates.matched(documents)
        passed = [number for number, names in enumerate(gates) if names or not self.gated]
        answers = list(gates)
        for number, names in zip(passed, self.rules.matched([documents[number] for number in passed]), strict=True):
            gate = gates[number]
            answers[number] = gate if isinstance(gate, str) else names if isinstance(names, str) else gate | names
        return answers

    def takers(
        self, version: int, matched: Matched, line: Line, happened: Callable[[Document], datetime]
    ) -> tuple[str, ...]:
        """The rule of each set that takes the event, unless an exception keeps it silent."""
        told = []
        for rule_set in (self.old, self.new)[version]:
            prefix = _name(version, rule_set, "")
            if rule_set.query and prefix not in matched:
                continue
            names = {name.removeprefix(prefix) for name in matched if name.startswith(prefix)}
            rule, _ = first_rule(rule_set, names)
            if rule and not (rule.exceptions and exception_of(rule, names, happened(line.document))):
                told.append(rule.id)
        return tuple(told)


def _name(version: int, rule_set: RuleSet, name: str) -> str:
    return f"{('old', 'new')[version]} {rule_set.id}/{name}"


def _asked(rule_set: RuleSet) -> object:
    """All that decides which rule takes an event."""
    return (
        rule_set.query and rule_set.query.clause,
        [
            (rule.id, rule.query.clause, [(each.query.clause, each.until) for each in rule.exceptions])
            for rule in rule_set.rules
        ],
    )
