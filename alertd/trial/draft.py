"""An event → the first version of a rule for its like, with a test and a near miss. Pure."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from alertd.event.document import Document, Path, as_word
from alertd.event.profile import ACTION, Profile
from alertd.rules.model import Severity

# What makes an act what it is, in the order in which people read it.
_FACTS = ("provider", "action", "result")
_ROOT = "Root"
_BARE = re.compile(r"\w+")
_OPERATORS = frozenset(("AND", "OR", "NOT", "TO"))


class DraftError(Exception):
    """Says what the event lacks, or why a rule cannot be made of it."""


@dataclass(frozen=True, slots=True)
class Term:
    path: Path  # where the event has it
    value: str
    shapes: tuple[Path, ...]  # where else an event of its kind may have it: in a bare record, in a document


@dataclass(frozen=True, slots=True)
class Draft:
    id: str
    title: str
    severity: Severity
    query: str  # in Lucene's syntax
    event: Mapping[str, object]
    near_miss: Mapping[str, object]  # the event, but for one fact that the query asks for
    near_miss_name: str


def draft(document: Mapping[str, object], profile: Profile, *, rule_id: str | None, severity: Severity) -> Draft:
    """DraftError where the event does not say what happened."""
    terms = tuple(_terms(document, profile))
    actions = [term for term in terms if term.path in profile.paths.get("action", ())]
    if not actions:
        where = " or ".join(".".join(path) for path in profile.paths.get("action", ()))
        raise DraftError(f"the event does not say what was done: it has no {where}")
    [action] = actions
    by_root = any(term.value == _ROOT for term in terms)
    other = f"Not{action.value}"
    return Draft(
        id=rule_id or _id(terms, action, profile),
        title=f"{action.value}{' by root' if by_root else ''}",
        severity=severity,
        query=" AND ".join(map(_asked, terms)),
        event=document,
        near_miss=_changed(document, action, other),
        near_miss_name=f"another {'.'.join(action.path)} is not this rule's",
    )


def as_toml(rule: Draft, *, event: str, near_miss: str, near_miss_expect: str) -> str:
    """A [[rules]] table. `event`, `near_miss`: the names of their files."""
    return f"""\
[[rules]]
id = {_text(rule.id)}
title = {_text(rule.title)}
severity = {_text(rule.severity.value)}
query.lucene = {_literal(rule.query)}
[[rules.tests]]
name = "the event that this rule was made from"
events = [{_text(event)}]
expect = "match"
[[rules.tests]]
name = {_text(rule.near_miss_name)}
events = [{_text(near_miss)}]
expect = {_text(near_miss_expect)}
"""


def _terms(document: Mapping[str, object], profile: Profile) -> Iterator[Term]:
    action = None
    for fact in _FACTS:
        for path in profile.paths.get(fact, ()):
            # a profile may tell the result by the act's own name, which is a term already
            if (ACTION in path and action is None) or (fact != "action" and path in profile.paths.get("action", ())):
                continue
            named = _for(action, path)
            if value := _word(document, named):
                yield Term(named, value, tuple(_for(action, each) for each in profile.shapes.get(fact, ())))
                action = value if fact == "action" else action
                break
    for path in profile.paths.get("identity_type", ()):
        if _word(document, path) == _ROOT:
            yield Term(path, _ROOT, profile.shapes.get("identity_type", ()))
            break


def _for(action: str | None, path: Path) -> Path:
    return tuple(action if name == ACTION and action else name for name in path)


def _asked(term: Term) -> str:
    """Whatever the event's own shape: an index may hold both, or change from one to the other."""
    asked = [f"{_name(path)}:{_value(term.value)}" for path in dict.fromkeys((*term.shapes, term.path))]
    return asked[0] if len(asked) == 1 else f"({' OR '.join(asked)})"


def _word(document: Mapping[str, object], path: Path) -> str | None:
    return next((text for value in Document(document, {}).values([path]) if (text := as_word(value))), None)


def _id(terms: tuple[Term, ...], action: Term, profile: Profile) -> str:
    """iam-create-user: the service, then the act."""
    providers = [term.value.split(".")[0] for term in terms if term.path in profile.paths.get("provider", ())]
    last = re.split(r"[./]", action.value)[-1]
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", last)
    plain = re.sub(r"[^a-z0-9]+", "-", "-".join([*providers, words]).lower()).strip("-")
    return plain[:100].strip("-") or "new-rule"


def _changed(document: Mapping[str, object], term: Term, value: str) -> Mapping[str, object]:
    """A copy with another value wherever the query looks, whichever of the names have dots."""
    changed = copy.deepcopy(dict(document))
    for path in dict.fromkeys((term.path, *term.shapes)):
        if _word(document, path) and not _set(changed, path, value):
            raise DraftError(f"{'.'.join(path)} stands in a list: no near miss can be made of it")
    return changed


def _set(node: object, path: Path, value: str) -> bool:
    if not isinstance(node, dict):
        return False
    for length in range(1, len(path) + 1):
        name = ".".join(path[:length])
        if name in node:
            if length == len(path):
                node[name] = value
                return True
            if _set(node[name], path[length:], value):
                return True
    return False


def _name(path: Path) -> str:
    return re.sub(r'([\s+\-!():^\[\]"{}~*?\\/&|])', r"\\\1", ".".join(path))


def _value(value: str) -> str:
    if _BARE.fullmatch(value) and value not in _OPERATORS:
        return value
    escaped = re.sub(r'(["\\])', r"\\\1", value)
    return f'"{escaped}"'


def _literal(text: str) -> str:
    """As it is typed, where TOML lets it."""
    return f"'{text}'" if "'" not in text and text.isprintable() else _text(text)


def _text(text: str) -> str:
    # what JSON escapes, TOML reads the same; DEL it does not escape, and TOML does not take
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
