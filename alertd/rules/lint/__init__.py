"""Lint: what is allowed in a rule file and hardly ever meant. Pure: from rules and known fields to warnings.

It never fails a rule, and reports only what is certain: a false alarm would teach people not to read it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from alertd.rules.lint.cost import MOST_DAILY, cost, volume
from alertd.rules.lint.fields import fields
from alertd.rules.lint.overlap import overlap, repeated
from alertd.rules.lint.signs import signs
from alertd.rules.lint.silence import heard
from alertd.rules.lint.tested import tested
from alertd.rules.lint.timing import over, timing
from alertd.rules.lint.warning import CODES, Known, RuleWarning, Subject, subjects
from alertd.rules.lint.wording import wording
from alertd.rules.model import RuleSet

__all__ = ["CODES", "MOST_DAILY", "Known", "RuleWarning", "lint"]


def lint(rule_sets: Sequence[RuleSet], *, now: datetime, known: Mapping[str, Known]) -> tuple[RuleWarning, ...]:
    """In order of files and lines. `known`: by the id of the rule set; it may lack some."""
    asked = [(rule_set, tuple(subjects(rule_set))) for rule_set in rule_sets]
    found = [
        each
        for rule_set, some in asked
        for each in _of_set(rule_set, some, now=now, known=known.get(rule_set.id, Known()))
    ]
    order = {rule_set.id: number for number, rule_set in enumerate(rule_sets)}
    warnings = dict.fromkeys(heard(rule_sets, [*found, *repeated(asked)]))
    return tuple(sorted(warnings, key=lambda each: (order[each.rule_set], _line(each.where), each.code)))


def _line(where: str) -> int:
    return int(where.rpartition(":")[2])


def _of_set(rule_set: RuleSet, some: Sequence[Subject], *, now: datetime, known: Known) -> Iterator[RuleWarning]:
    for subject in some:
        yield from wording(subject, known)
        yield from signs(subject)
        yield from cost(subject)
        yield from timing(subject, known)
        yield from fields(subject, known)
    yield from overlap(some)
    yield from volume(rule_set, known)
    yield from over(rule_set, now)
    yield from tested(rule_set)
