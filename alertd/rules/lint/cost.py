"""R3xx: queries that the server pays for, or that alert more than anybody reads."""

import re
from collections.abc import Iterator

from alertd.rules.lint.logic import EVERYTHING, Kind, Tree, asks, both, implies
from alertd.rules.lint.reading import read
from alertd.rules.lint.warning import Known, RuleWarning, Subject, shown
from alertd.rules.model import RuleSet

MOST_DAILY = 10_000
# A regular expression that may begin with anything, or one of its choices: nothing tells the server where to look.
_ANYTHING = re.compile(r"\(*(?:\.|\[\^|@|~)")


def cost(subject: Subject) -> Iterator[RuleWarning]:
    if subject.is_exception and subject.rule and implies(_events(subject), subject.tree):
        text = (
            f"the exception matches every event of {subject.rule.id}, so the whole rule is silent: write what is known"
        )
        yield subject.warning("R301", text)
    owner_narrows = subject.rule is not None and subject.rule_set.query is not None
    if subject.tree == EVERYTHING and not owner_narrows and not subject.is_exception:
        yield subject.warning("R301", "matches every event: write what the rule is about")
    for ask in asks(subject.tree):
        if ask.kind is Kind.PATTERN and ask.value[:1] in ("*", "?") and len(ask.value) > 1:
            text = f"{shown(ask.value)} begins with a wildcard: {_everything(ask.field)}"
            yield subject.warning("R302", text, at=ask.at)
        if ask.kind is Kind.REGEX and any(_ANYTHING.match(choice) for choice in _choices(ask.value)):
            text = f"{shown(f'/{ask.value}/')} may begin with anything: {_everything(ask.field)}"
            yield subject.warning("R303", text, at=ask.at)
        if ask.kind is Kind.SCRIPT:
            yield subject.warning("R304", "a script runs for every event, at every poll: ask fields instead", at=ask.at)


def _events(subject: Subject) -> Tree:
    """What the rule of an exception takes."""
    queries = [subject.rule_set.query, subject.rule.query if subject.rule else None]
    return both([read(query) for query in queries if query])


def volume(rule_set: RuleSet, known: Known) -> Iterator[RuleWarning]:
    for rule in rule_set.rules:
        if rule.id in known.heavy:
            text = f"{rule.id} matches more than {MOST_DAILY:,} events a day: nobody reads as many messages"
            yield RuleWarning("R305", rule.query.where, text, rule_set.id, rule.id)


def _everything(field: str | None) -> str:
    return f"the server looks at every value that {field or 'any field'} has"


def _choices(text: str) -> list[str]:
    """What stands between the | that are in no parentheses; the parentheses but the first are left out."""
    within = re.sub(r"(?<!^)\([^()]*\)", "", text)
    return within.split("|") if within == text else _choices(within)
