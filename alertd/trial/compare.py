"""Two versions of rules on the same events: which they add, lose, or move to another rule.

Events stream through: what is kept does not grow with their number.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from itertools import islice

from alertd.errors import PartialError, PermanentError
from alertd.rules.compile import exception_of, first_rule, named_queries
from alertd.rules.fields import fields_of_set
from alertd.rules.mappings import shape_of
from alertd.rules.model import Query, RuleSet
from alertd.rules.samples import SampleError
from alertd.search import SearchClient
from alertd.trial.project import Tree, project, tree_of
from alertd.trial.questions import FillIndex, Questions, fill

# Events in one round. Whole ones are held meanwhile, as text.
BATCH = 5_000
# A search returns all of a round at once.
_PAGE = 10_000
# Kinds of events whose verdict is remembered: some 20 MB. Then it begins anew.
MOST_REMEMBERED = 100_000
MOST_REFUSED_NAMED = 10

Document = Mapping[str, object]
Matched = frozenset[str]


@dataclass(frozen=True, slots=True)
class Line:
    """An event as it came: parsed again only if there is something to say about it."""

    where: str
    text: str

    @property
    def document(self) -> Document:
        """SampleError where it is no event."""
        try:
            document = json.loads(self.text)
        except (ValueError, RecursionError) as error:
            raise SampleError(f"{self.where} is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise SampleError(f"{self.where} must be an event, a JSON object")
        return document


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


@dataclass(frozen=True, slots=True)
class Server:
    """Where events are put to be asked about, and taken away again."""

    search: SearchClient
    flavor: str
    fill_index: FillIndex
    drop_index: Callable[[str], None]
    mapping: Mapping[str, object] | None = None


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
    old: Sequence[RuleSet]
    new: Sequence[RuleSet]
    server: Server
    tally: Tally
    tree: Tree | None = field(init=False)  # None: whole events count
    round: int = 0
    known: dict[bytes, Matched | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = [fields_of_set(each) for each in (*self.old, *self.new)]
        whole = any(some is None for some in named) or not _is_plain(self.server.mapping)
        self.tree = None if whole else tree_of({name for some in named for name in some or ()})

    def matched(self, batch: Sequence[Line]) -> list[Matched | str]:
        """The names of all queries, of both versions, that match each event; or why the server refuses it."""
        if len(self.known) > MOST_REMEMBERED:
            self.known.clear()
        keys = []
        unknown: dict[bytes, tuple[str, Document]] = {}
        for line in batch:
            whole = line.document
            shape = shape_of(whole)
            part = whole if self.tree is None else project(whole, self.tree)
            key = blake2b(f"{shape}{json.dumps(part)}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
            keys.append(key)
            if key not in self.known:
                unknown.setdefault(key, (shape, part))
        if unknown:
            self._ask(unknown)
        return [self.known[key] for key in keys]

    def takers(
        self, version: int, matched: Matched, line: Line, happened: Callable[[Document], datetime]
    ) -> tuple[str, ...]:
        """The rule of each set that takes the event, unless an exception keeps it silent."""
        told = []
        for rule_set in (self.old, self.new)[version]:
            if rule_set.query and _name(version, rule_set, "") not in matched:
                continue
            prefix = _name(version, rule_set, "")
            names = {name.removeprefix(prefix) for name in matched if name.startswith(prefix)}
            rule, _ = first_rule(rule_set, names)
            if rule and not (rule.exceptions and exception_of(rule, names, happened(line.document))):
                told.append(rule.id)
        return tuple(told)

    def _ask(self, unknown: Mapping[bytes, tuple[str, Document]]) -> None:
        documents: dict[str, dict[str, Document]] = {}
        for key, (shape, document) in unknown.items():
            documents.setdefault(shape, {})[key.hex()] = document
        self.round += 1
        indices, refused = fill(
            f"alertd-compare-{self.round}",
            documents,
            flavor=self.server.flavor,
            fill_index=self.server.fill_index,
            mapping=self.server.mapping,
        )
        questions = Questions(self.server.search, indices, (), page_size=_PAGE)
        hits = self._hits(questions, [key for some in documents.values() for key in some if key not in refused])
        for index in indices:
            self.server.drop_index(index)
        for key in unknown:
            self.known[key] = refused.get(key.hex()) or hits.get(key.hex(), frozenset())

    def _hits(self, questions: Questions, ids: Sequence[str]) -> dict[str, Matched]:
        try:
            found = questions.which_match(self._queries(), ids) if ids else {}
        except (PermanentError, PartialError):
            if not self._set_aside(questions):
                raise
            return self._hits(questions, ids)
        return {key: frozenset(hit.matched) for key, hit in found.items()}

    def _queries(self) -> list[tuple[str, Query]]:
        named = []
        for version, sets in enumerate((self.old, self.new)):
            for rule_set in sets:
                queries = [("", rule_set.query)] if rule_set.query else []
                queries += named_queries(rule_set)
                named += [(_name(version, rule_set, name), query) for name, query in queries]
        return [(name, query) for name, query in named if name not in self.tally.broken]

    def _set_aside(self, questions: Questions) -> bool:
        """Queries that the server refuses match nothing. Whether one was found."""
        found = {
            _name(version, rule_set, name): why
            for version, sets in enumerate((self.old, self.new))
            for rule_set in sets
            for name, why in questions.refused(rule_set).items()
        }
        new = found.keys() - self.tally.broken.keys()
        self.tally.broken.update(found)
        return bool(new)


def _name(version: int, rule_set: RuleSet, name: str) -> str:
    return f"{('old', 'new')[version]} {rule_set.id}/{name}"


def _is_plain(mapping: object) -> bool:
    """Whether each field is made of the value that has its name: no copies, aliases or scripts."""
    if isinstance(mapping, Mapping):
        special = mapping.keys() & {"copy_to", "runtime"} or mapping.get("type") == "alias"
        return not special and all(_is_plain(value) for value in mapping.values())
    return True


def _asked(rule_set: RuleSet) -> object:
    """All that decides which rule takes an event."""
    return (
        rule_set.query and rule_set.query.clause,
        [
            (rule.id, rule.query.clause, [(each.query.clause, each.until) for each in rule.exceptions])
            for rule in rule_set.rules
        ],
    )
