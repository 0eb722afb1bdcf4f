"""R5xx: rules of which no test says what they must match, or what they must not."""

from collections.abc import Iterator, Sequence

from alertd.rules.lint.logic import EVERYTHING
from alertd.rules.lint.reading import read
from alertd.rules.lint.warning import RuleWarning
from alertd.rules.model import Rule, RuleSet


def tested(rule_set: RuleSet) -> Iterator[RuleWarning]:
    for number, rule in enumerate(rule_set.rules):
        if not rule.tests:
            yield RuleWarning("R501", rule.where, f"{rule.id} has no test", rule_set.id, rule.id)
        elif not _has_near_miss(rule, rule_set.rules[number + 1 :]):
            text = f"no test has an event that {rule.id} must not take: add one that it only just misses"
            yield RuleWarning("R502", rule.where, text, rule_set.id, rule.id)


def _has_near_miss(rule: Rule, later: Sequence[Rule]) -> bool:
    """An event that a later rule takes has passed this one by. What takes everything can miss nothing."""
    later_ids = {each.id for each in later}
    own = any(test.expect not in {"match", "exception", rule.id} for test in rule.tests)
    passed_by = any(
        test.expect in {"match", "exception"} or test.expect in later_ids for each in later for test in each.tests
    )
    return own or passed_by or read(rule.query) == EVERYTHING
