"""Which rule of each rule set takes an event, as the daemon decides it; and where none does, what is in the way."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from alertd.rules.compile import first_rule, named_queries
from alertd.rules.mappings import shape_of
from alertd.rules.model import Query, Rule, RuleSet, Sample
from alertd.search import Hit, SearchClient
from alertd.trial.explain import explain, misses
from alertd.trial.questions import FillIndex, Questions, fill
from alertd.trial.result import PartResult
from alertd.trial.run import answers

# Of the rules that do not take an event, those that are worth reading about.
MOST_NEAREST = 3


@dataclass(frozen=True, slots=True)
class Taken:
    rule_set: RuleSet
    rule: Rule
    also: tuple[str, ...]  # rules of the set that match too
    hit: Hit


@dataclass(frozen=True, slots=True)
class Missed:
    """A query that does not match, or the set's own that lets no event through to its rules."""

    rule: str | None
    where: str
    parts: tuple[PartResult, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """A rule set that takes nothing of the event."""

    rule_set: RuleSet
    nearest: tuple[Missed, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    sample: Sample
    taken: tuple[Taken, ...]
    left: tuple[Left, ...]
    refused: str | None = None  # why the search server does not take the event


def place(
    rule_sets: Sequence[RuleSet],
    samples: Sequence[Sample],
    search: SearchClient,
    *,
    fill_index: FillIndex,
    fields: Callable[[RuleSet], Sequence[str]],
) -> tuple[tuple[Placed, ...], Mapping[str, str]]:
    """Each sample; and the queries that the search server refuses, by their place, with its reason.

    `fields`: what is needed of the documents that a set takes. RetryError, PermanentError.
    """
    by_shape: dict[str, dict[str, Mapping[str, object]]] = {}
    for number, sample in enumerate(samples):
        by_shape.setdefault(shape_of(sample.document), {})[str(number)] = sample.document
    flavor = search.server().flavor
    indices, refused = fill("alertd-route", by_shape, flavor=flavor, fill_index=fill_index, mapping=None)
    outcomes: list[list[Taken | Left]] = [[] for _ in samples]
    broken: dict[str, str] = {}
    for rule_set in rule_sets:
        judge = _Judge(rule_set, Questions(search, indices, tuple(fields(rule_set))))
        broken |= judge.refused()
        for number, sample in enumerate(samples):
            if str(number) not in refused:
                outcomes[number].append(judge.outcome(sample, str(number)))
    placed = (
        Placed(
            sample,
            tuple(each for each in outcomes[number] if isinstance(each, Taken)),
            tuple(each for each in outcomes[number] if isinstance(each, Left)),
            refused.get(str(number)),
        )
        for number, sample in enumerate(samples)
    )
    return tuple(placed), broken


class _Judge:
    def __init__(self, rule_set: RuleSet, questions: Questions) -> None:
        self._rule_set = rule_set
        self._questions = questions
        self._broken, self._hits = answers(rule_set, questions)

    def refused(self) -> dict[str, str]:
        own = self._rule_set.query
        queries = [*([("", own)] if own else []), *named_queries(self._rule_set)]
        return {f"{query.where} {name}".rstrip(): self._broken[name] for name, query in queries if name in self._broken}

    def outcome(self, sample: Sample, document_id: str) -> Taken | Left:
        hit = self._hits.get(document_id)
        rule, also = first_rule(self._rule_set, hit.matched) if hit else (None, ())
        if hit and rule:
            return Taken(self._rule_set, rule, also, hit)
        return Left(self._rule_set, tuple(self._nearest(sample, document_id, is_candidate=hit is not None)))

    def _nearest(self, sample: Sample, document_id: str, *, is_candidate: bool) -> Iterator[Missed]:
        def ask(asked: Sequence[tuple[str, Query]]) -> Collection[str]:
            return self._questions.which_match(asked, [document_id])[document_id].matched

        own = self._rule_set.query
        if "" in self._broken:
            return
        if own and not is_candidate:
            yield Missed(None, own.where, tuple(explain(own, sample, ask)))
            return
        rules = [rule for rule in self._rule_set.rules if rule.id not in self._broken]
        distances = misses([rule.query for rule in rules], ask)
        for _, rule in sorted(zip(distances, rules, strict=True), key=lambda pair: pair[0])[:MOST_NEAREST]:
            yield Missed(rule.id, rule.query.where, tuple(explain(rule.query, sample, ask)))
