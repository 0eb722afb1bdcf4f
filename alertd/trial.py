"""Runs [[rules.tests]] on a search server: the daemon's searches, but for the window. Tests own no time.

Writes to indices of its own only, by the callable it is given. How a message looks is not known here either.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from alertd.document import Document, as_text
from alertd.errors import PartialError, PermanentError
from alertd.rules.compile import candidates, first_rule, probe, which_match
from alertd.rules.mappings import mapping_for, shape_of
from alertd.rules.model import Query, Rule, RuleSet, RuleTest, Sample
from alertd.rules.parts import Part, all_parts, take_apart
from alertd.search import Hit, Search, SearchClient

# (index, mapping, documents by id): makes the index with these documents, so that searches find them when it returns.
# Answers why the server refused a document, by id.
FillIndex = Callable[[str, Mapping[str, object], Mapping[str, Mapping[str, object]]], Mapping[str, str]]

PAGE_SIZE = 1_000
TIMEOUT = timedelta(seconds=30)
# Of a value, what shows why a part of a query does not match it.
MOST_VALUE_CHARACTERS = 80

_EVERYTHING: Mapping[str, object] = {"match_all": {}}


@dataclass(frozen=True, slots=True)
class PartResult:
    text: str
    depth: int  # below the part above it that is one less deep
    holds: bool
    values: tuple[tuple[str, str], ...]  # what the event has in the fields that the part names


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One event of a test that did not turn out as expected."""

    where: str  # the event's place
    expected: str
    got: str
    hint: str = ""
    parts: tuple[PartResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    rule_set: str
    rule: str
    test: RuleTest
    mismatches: tuple[Mismatch, ...]

    @property
    def passed(self) -> bool:
        return not self.mismatches


def run_tests(
    rule_set: RuleSet,
    search: SearchClient,
    *,
    fill_index: FillIndex,
    fields: Sequence[str],
    render: Callable[[Rule, Hit], str],
    mapping: Mapping[str, object] | None = None,
) -> tuple[Result, ...]:
    """One result for each test of the rule set, in file order. RetryError, PermanentError.

    `fields`: what `render` needs of a document to give the message's text. `mapping`: of the index, in place of those
    that the events' shapes have.
    """
    samples = _Samples(rule_set)
    refused = _fill(samples, rule_set, search.server().flavor, fill_index=fill_index, mapping=mapping)
    questions = _Questions(search, samples.indices, (*fields, *rule_set.fields))
    verdicts = _verdicts(rule_set, samples, refused, questions)
    return tuple(
        Result(rule_set.id, rule.id, test, tuple(_mismatches(rule, test, verdicts, questions, render=render)))
        for rule in rule_set.rules
        for test in rule.tests
    )


class _Samples:
    """The events of all tests, each once, and the indices they are in."""

    def __init__(self, rule_set: RuleSet) -> None:
        tests = [test for rule in rule_set.rules for test in rule.tests]
        texts = {json.dumps(sample.document): sample for test in tests for sample in test.samples}
        self._ids = {text: str(number) for number, text in enumerate(texts)}
        self.documents = {self._ids[text]: sample.document for text, sample in texts.items()}
        self.indices: list[str] = []

    def id_of(self, sample: Sample) -> str:
        return self._ids[json.dumps(sample.document)]


@dataclass(frozen=True, slots=True)
class _Questions:
    search: SearchClient
    indices: Sequence[str]
    fields: tuple[str, ...]

    def hits(self, query: Mapping[str, object]) -> Iterator[Hit]:
        if self.indices:
            asked = Search(",".join(self.indices), query, self.fields, PAGE_SIZE, TIMEOUT)
            for page in self.search.pages(asked):
                yield from page

    def which_match(self, queries: Sequence[tuple[str, Query]], ids: Collection[str]) -> dict[str, Hit]:
        """The documents by their ids, each `matched` by the names of all queries that match it."""
        found: dict[str, Hit] = {}
        for clause in which_match(queries, ids):
            for hit in self.hits(clause):
                known = found.get(hit.id, hit)
                found[hit.id] = replace(hit, matched=tuple(dict.fromkeys((*known.matched, *hit.matched))))
        return found

    def why_refused(self, query: Query) -> str | None:
        try:
            any(self.hits(probe(query.clause)))
        except (PermanentError, PartialError) as error:
            return str(error)
        return None


@dataclass(frozen=True, slots=True)
class _Verdicts:
    rule_set: RuleSet
    samples: _Samples
    refused: Mapping[str, str]  # documents, by id
    broken: Mapping[str, str]  # queries, by rule; "" is the set's own
    hits: Mapping[str, Hit]  # documents that some rule could match, with those that do

    def taker(self, document_id: str) -> Rule | None:
        hit = self.hits.get(document_id)
        return first_rule(self.rule_set, hit.matched)[0] if hit else None

    def rule(self, rule_id: str) -> Rule | None:
        return next((rule for rule in self.rule_set.rules if rule.id == rule_id), None)

    def why_unknown(self, rule: Rule, document_id: str) -> str | None:
        refused = self.refused.get(document_id)
        if refused:
            return f"the search server refuses the event: {refused}"
        why = self.broken.get(rule.id) or self.broken.get("")
        return f"the search server refuses the query: {why}" if why else None

    def matches(self, rule: Rule, document_id: str) -> bool:
        return document_id in self.hits and rule.id in self.hits[document_id].matched


def _fill(
    samples: _Samples,
    rule_set: RuleSet,
    flavor: str,
    *,
    fill_index: FillIndex,
    mapping: Mapping[str, object] | None,
) -> dict[str, str]:
    """Documents of one shape share an index; one that does not get along with those before it comes into the next.

    Returns those that no index takes.
    """
    refused = {}
    for shape in ("raw", "ecs"):
        waiting = {name: document for name, document in samples.documents.items() if shape_of(document) == shape}
        while waiting:
            index = f"alertd-test-{rule_set.id}-{len(samples.indices)}"
            samples.indices.append(index)
            why = fill_index(index, mapping or mapping_for(shape, flavor=flavor), waiting)
            first = next(iter(waiting))
            if first in why:  # it had the index to itself
                refused[first] = why[first]
            waiting = {name: waiting[name] for name in why if name != first}
    return refused


def _verdicts(rule_set: RuleSet, samples: _Samples, refused: Mapping[str, str], questions: _Questions) -> _Verdicts:
    try:
        return _Verdicts(rule_set, samples, refused, {}, _classified(rule_set, questions))
    except (PermanentError, PartialError):
        broken = dict(_broken(rule_set, questions))
        if not broken:
            raise
    if "" in broken:
        return _Verdicts(rule_set, samples, refused, broken, {})
    sound = replace(rule_set, rules=tuple(rule for rule in rule_set.rules if rule.id not in broken))
    return _Verdicts(rule_set, samples, refused, broken, _classified(sound, questions))


def _broken(rule_set: RuleSet, questions: _Questions) -> Iterator[tuple[str, str]]:
    """Queries that the server refuses, with its reason."""
    if rule_set.query and (why := questions.why_refused(rule_set.query)):
        yield "", why
        return
    for rule in rule_set.rules:
        if why := questions.why_refused(rule.query):
            yield rule.id, why


def _classified(rule_set: RuleSet, questions: _Questions) -> dict[str, Hit]:
    hits = [hit for clause in candidates([rule_set], _EVERYTHING) for hit in questions.hits(clause)]
    return questions.which_match([(rule.id, rule.query) for rule in rule_set.rules], {hit.id for hit in hits})


def _mismatches(
    rule: Rule, test: RuleTest, verdicts: _Verdicts, questions: _Questions, *, render: Callable[[Rule, Hit], str]
) -> Iterator[Mismatch]:
    for sample in test.samples:
        document_id = verdicts.samples.id_of(sample)
        taker = verdicts.taker(document_id)
        got = _outcome(rule, taker)
        if why := verdicts.why_unknown(rule, document_id):
            yield Mismatch(sample.where, test.expect, why)
        elif got != ("match" if test.expect == rule.id else test.expect):
            hint, suspect = _explain(rule, test, verdicts, document_id)
            seen = _seen(suspect, sample, document_id, questions) if suspect else ()
            yield Mismatch(sample.where, test.expect, got, hint, tuple(seen))
        elif taker and test.message_contains:
            message = render(taker, verdicts.hits[document_id])
            for text in test.message_contains:
                if text not in message:
                    yield Mismatch(sample.where, f'a message that contains "{text}"', message)


def _outcome(rule: Rule, taker: Rule | None) -> str:
    if taker is None:
        return "no match"
    return "match" if taker.id == rule.id else taker.id


def _explain(rule: Rule, test: RuleTest, verdicts: _Verdicts, document_id: str) -> tuple[str, Query | None]:
    """A hint, and the query in which the reason must be."""
    taker = verdicts.taker(document_id)
    wanted = rule if test.expect == "match" else verdicts.rule(test.expect)
    if wanted is None:
        hint = "" if taker is None or taker.id == rule.id else f'if {taker.id} is right: expect = "{taker.id}"'
        return hint, taker.query if taker else None
    if taker and verdicts.matches(wanted, document_id):
        return f"{wanted.id} matches too, but {taker.id} stands before it in the file", None
    if document_id not in verdicts.hits and verdicts.rule_set.query:
        return "the query of the whole file leaves it out", verdicts.rule_set.query
    return "", wanted.query


def _seen(query: Query, sample: Sample, document_id: str, questions: _Questions) -> Iterator[PartResult]:
    whole = take_apart(query)
    # by their place in memory: the same text may stand in a query twice
    names = {id(part): str(number) for number, part in enumerate(all_parts(whole))}
    asked = [(names[id(part)], part.query) for part in all_parts(whole)]
    matched = questions.which_match(asked, [document_id])[document_id].matched
    holding = {place for place, name in names.items() if name in matched}
    yield from _opened(whole.parts or (whole,), whole.joined, 0, holding, sample)


def _opened(
    parts: Sequence[Part], joined: str, depth: int, holding: Collection[int], sample: Sample
) -> Iterator[PartResult]:
    """Shows what a part consists of only where that tells more: of what fails, and of several ways the nearest miss."""
    failing = [part for part in parts if id(part) not in holding and part.joined == "AND"]
    if joined == "OR":
        failing = sorted(failing, key=lambda part: sum(id(below) not in holding for below in part.parts))[:1]
    for part in parts:
        values = tuple((name, value) for name in part.fields if (value := _value(sample.document, name)))
        yield PartResult(" ".join(part.query.text.split()), depth, id(part) in holding, values)
        if part in failing:
            yield from _opened(part.parts, part.joined, depth + 1, holding, sample)


def _value(document: Mapping[str, object], field: str) -> str | None:
    """Also where the field is another way to look at a value: NAME.keyword, NAME.text."""
    path = tuple(field.split("."))
    found = next(Document(document, {}).values([path, path[:-1]]), None)
    text = None if isinstance(found, Mapping) else as_text(found)
    return text[: MOST_VALUE_CHARACTERS - 1] + "…" if text and len(text) > MOST_VALUE_CHARACTERS else text
