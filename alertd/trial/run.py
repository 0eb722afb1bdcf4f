"""Runs [[rules.tests]] on a search server: the daemon's searches, but for the window. Tests own no time."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alertd.errors import PartialError, PermanentError
from alertd.rules.compile import exception_of, first_rule, named_queries
from alertd.rules.mappings import shape_of
from alertd.rules.model import Query, Rule, RuleException, RuleSet, RuleTest, Sample
from alertd.search import Hit, SearchClient
from alertd.trial.explain import explain
from alertd.trial.questions import FillIndex, Questions, fill
from alertd.trial.result import Mismatch, PartResult, Result
from alertd.trial.wording import misread, outdated, snapshot_text


def run_tests(
    rule_set: RuleSet,
    search: SearchClient,
    *,
    fill_index: FillIndex,
    fields: Sequence[str],
    render: Callable[[Rule, Hit], str],
    happened: Callable[[Hit], datetime],
    mapping: Mapping[str, object] | None = None,
) -> tuple[Result, ...]:
    """One result for each test of the rule set, in file order. RetryError, PermanentError.

    `fields`: what `render` and `happened` need of a document to give the message's text and the time of the event.
    `mapping`: of the index, in place of those that the events' shapes have.
    """
    samples = _Samples(rule_set)
    indices, refused = fill(
        index_name(rule_set),
        samples.documents,
        flavor=search.server().flavor,
        fill_index=fill_index,
        mapping=mapping,
    )
    questions = Questions(search, indices, tuple(fields))
    broken, hits = answers(rule_set, questions)
    verdicts = _Verdicts(rule_set, samples, refused, broken, hits, happened)
    return tuple(
        _result(rule, test, verdicts, questions, render=render) for rule in rule_set.rules for test in rule.tests
    )


def index_name(rule_set: RuleSet) -> str:
    """What the names of its indices begin with; a dash and a number follow."""
    return f"alertd-test-{rule_set.id}"


class _Samples:
    """The events of all tests, each once."""

    def __init__(self, rule_set: RuleSet) -> None:
        tests = [test for rule in rule_set.rules for test in rule.tests]
        texts = {json.dumps(sample.document): sample for test in tests for sample in test.samples}
        self._ids = {text: str(number) for number, text in enumerate(texts)}
        self.documents: dict[str, dict[str, Mapping[str, object]]] = {}  # by shape, then by id
        for text, sample in texts.items():
            self.documents.setdefault(shape_of(sample.document), {})[self._ids[text]] = sample.document

    def id_of(self, sample: Sample) -> str:
        return self._ids[json.dumps(sample.document)]


@dataclass(frozen=True, slots=True)
class _Verdicts:
    rule_set: RuleSet
    samples: _Samples
    refused: Mapping[str, str]  # documents, by id
    broken: Mapping[str, str]  # queries, by their names; "" is the set's own
    hits: Mapping[str, Hit]  # documents that some rule could match, with those that do
    happened: Callable[[Hit], datetime]

    def taker(self, document_id: str) -> Rule | None:
        hit = self.hits.get(document_id)
        return first_rule(self.rule_set, hit.matched)[0] if hit else None

    def exception(self, document_id: str) -> RuleException | None:
        """What keeps the event silent though a rule takes it."""
        hit, taker = self.hits.get(document_id), self.taker(document_id)
        return exception_of(taker, hit.matched, self.happened(hit)) if hit and taker else None

    def outcome(self, rule: Rule, document_id: str) -> str:
        taker = self.taker(document_id)
        if taker is None:
            return "no match"
        if self.exception(document_id):
            return "exception" if taker.id == rule.id else f"exception of {taker.id}"
        return "match" if taker.id == rule.id else taker.id

    def rule(self, rule_id: str) -> Rule | None:
        return next((rule for rule in self.rule_set.rules if rule.id == rule_id), None)

    def why_unknown(self, rule: Rule, document_id: str) -> str | None:
        refused = self.refused.get(document_id)
        if refused:
            return f"the search server refuses the event: {refused}"
        names = ["", rule.id, *(each.name for each in rule.exceptions)]
        why = next((self.broken[name] for name in names if name in self.broken), None)
        return f"the search server refuses the query: {why}" if why else None

    def matches(self, rule: Rule, document_id: str) -> bool:
        return document_id in self.hits and rule.id in self.hits[document_id].matched


def answers(rule_set: RuleSet, questions: Questions) -> tuple[Mapping[str, str], Mapping[str, Hit]]:
    """Queries that the server refuses, and what the others match."""
    try:
        return {}, _classified(rule_set, questions)
    except (PermanentError, PartialError):
        broken = questions.refused(rule_set)
        if not broken:
            raise
    if "" in broken:
        return broken, {}
    sound = replace(
        rule_set,
        rules=tuple(
            replace(rule, exceptions=tuple(each for each in rule.exceptions if each.name not in broken))
            for rule in rule_set.rules
            if rule.id not in broken
        ),
    )
    return broken, _classified(sound, questions)


def _classified(rule_set: RuleSet, questions: Questions) -> dict[str, Hit]:
    return questions.which_match(named_queries(rule_set), questions.candidates([rule_set]))


def _result(
    rule: Rule, test: RuleTest, verdicts: _Verdicts, questions: Questions, *, render: Callable[[Rule, Hit], str]
) -> Result:
    mismatches = list(_misjudged(rule, test, verdicts, questions))
    if mismatches or not test.reads_messages:
        return Result(verdicts.rule_set.id, rule.id, test, tuple(mismatches))
    messages = []
    for sample in test.samples:
        document_id = verdicts.samples.id_of(sample)
        taker = verdicts.taker(document_id)
        if taker:
            messages.append(render(taker, verdicts.hits[document_id]))
            mismatches += misread(test, messages[-1], sample.where)
    text = snapshot_text(messages)
    mismatches += outdated(test, text)
    return Result(verdicts.rule_set.id, rule.id, test, tuple(mismatches), text if test.snapshot else None)


def _misjudged(rule: Rule, test: RuleTest, verdicts: _Verdicts, questions: Questions) -> Iterator[Mismatch]:
    for sample in test.samples:
        document_id = verdicts.samples.id_of(sample)
        got = verdicts.outcome(rule, document_id)
        if why := verdicts.why_unknown(rule, document_id):
            yield Mismatch(sample.where, test.expect, why)
        elif got != ("match" if test.expect == rule.id else test.expect):
            hint, suspect = _explain(rule, test, verdicts, document_id)
            seen = _seen(suspect, sample, document_id, questions) if suspect else ()
            yield Mismatch(sample.where, test.expect, got, hint, tuple(seen))


def _explain(rule: Rule, test: RuleTest, verdicts: _Verdicts, document_id: str) -> tuple[str, Query | None]:
    """A hint, and the query in which the reason must be."""
    taker = verdicts.taker(document_id)
    if exception := verdicts.exception(document_id):
        return f"the exception at {exception.where} keeps it silent: {exception.reason}", exception.query
    if test.expect == "exception" and taker is rule:
        return _no_exception(rule)
    wanted = rule if test.expect in {"match", "exception"} else verdicts.rule(test.expect)
    if wanted is None:
        hint = "" if taker is None or taker.id == rule.id else f'if {taker.id} is right: expect = "{taker.id}"'
        return hint, taker.query if taker else None
    if taker and verdicts.matches(wanted, document_id):
        return f"{wanted.id} matches too, but {taker.id} stands before it in the file", None
    if document_id not in verdicts.hits and verdicts.rule_set.query:
        return "the query of the whole file leaves it out", verdicts.rule_set.query
    return "", wanted.query


def _no_exception(rule: Rule) -> tuple[str, Query | None]:
    if not rule.exceptions:
        return "the rule has no [[rules.exceptions]]", None
    last = rule.exceptions[-1]
    count = len(rule.exceptions)
    which = "the only exception" if count == 1 else f"the last of {count} exceptions"
    return f"{which}, for what happens before {last.until:%Y-%m-%d %H:%M} UTC:", last.query


def _seen(query: Query, sample: Sample, document_id: str, questions: Questions) -> Iterator[PartResult]:
    return explain(query, sample, lambda asked: questions.which_match(asked, [document_id])[document_id].matched)
