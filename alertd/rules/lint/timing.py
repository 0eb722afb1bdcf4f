"""R4xx, R601: conditions on time, which alertd owns; exceptions whose time is over."""

import re
from collections.abc import Iterator
from datetime import datetime

from alertd.rules.lint.fields import values
from alertd.rules.lint.logic import Ask, Kind, asks
from alertd.rules.lint.warning import Known, RuleWarning, Subject, shown
from alertd.rules.model import RuleSet

# When the event happened or arrived, in the documents that alertd knows.
_TIMES = ("@timestamp", "eventTime", "event.created", "event.ingested")
_NOW = re.compile(r"now(?:[-+]\d+[smhHdwMy])*(?:/[smhHdwMy])?")


def timing(subject: Subject, known: Known) -> Iterator[RuleWarning]:
    for ask in asks(subject.tree):
        if ask.field in {*_TIMES, *known.time_fields} and ask.kind is not Kind.EXISTS:
            text = f"a condition on {ask.field}: how far back to look is alertd's part, and late events would be lost"
            yield subject.warning("R401", text, at=ask.at)
        elif now := _moving(ask):
            text = f"{shown(now)} is another moment at every search: the same event matches now and not later"
            yield subject.warning("R402", text, at=ask.at)


def _moving(ask: Ask) -> str | None:
    if ask.kind is Kind.RANGE:
        return next((value for value in values(ask) if _NOW.fullmatch(value)), None)
    # "now" alone may be a word
    moves = ask.kind in (Kind.WORDS, Kind.EXACT) and ask.value != "now" and _NOW.fullmatch(ask.value)
    return ask.value if moves else None


def over(rule_set: RuleSet, now: datetime) -> Iterator[RuleWarning]:
    for rule in rule_set.rules:
        for each in rule.exceptions:
            if each.until <= now:
                text = f"the exception of {rule.id} is over since {each.until:%Y-%m-%d %H:%M} UTC: remove it"
                yield RuleWarning("R601", each.where, text, rule_set.id, rule.id)
