"""The fields of a document that the template of a rule names: what is asked for them, and what is kept of them.

They are kept with the match, not with the event: another rule set, with a template of its own, may take the same event.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice

from alertd.event.document import Document, as_text
from alertd.event.profile import Profile
from alertd.rules.model import Rule, RuleSet

# Of one field; a headline shows 150 characters, and a template may look at more than it shows.
MOST_CHARACTERS = 1_000
# Of a list.
MOST_VALUES = 20


def asked_fields(profile: Profile, rule_set: RuleSet) -> tuple[str, ...]:
    """What a search is to return so that the events of a rule set can be read and told."""
    named = [path for rule in rule_set.rules for path in rule.named]
    # what stands above it too: a shipper may have stored that as one text
    above = [parent for path in named if (parent := path.rpartition(".")[0])]
    return tuple(dict.fromkeys((*profile.fields, *named, *above)))


def with_named(rule: Rule, source: Mapping[str, object], fields: Mapping[str, tuple[object, ...]]) -> Rule:
    """The rule as it tells this document."""
    if not rule.named:
        return rule
    document = Document(source, fields)
    told = ((path, _text(document, path)) for path in rule.named)
    return replace(rule, facts=replace(rule.facts, document=tuple((path, text) for path, text in told if text)))


def _text(document: Document, path: str) -> str:
    values = islice(document.values([tuple(path.split("."))]), MOST_VALUES)
    text = ", ".join(dict.fromkeys(text for value in values if (text := as_text(value))))
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"
