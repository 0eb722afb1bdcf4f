"""R206: what one query language means by a sign, and the one it is written in takes for a letter of the value."""

import re
from collections.abc import Iterator

from alertd.rules.lint.logic import Ask, Kind, asks
from alertd.rules.lint.warning import RuleWarning, Subject, shown

_IN_QUOTES = re.compile("['`\u2018\u2019“”„«](.*)['`\u2018\u2019“”«»]", re.DOTALL)
_CURLY = re.compile(r"^[“”„]|[“”]$")
_RANGE = re.compile(r"[\[{]\s*(\S+)\s+TO\s+(\S+)\s*[\]}]")
# Slashes stand around paths too: only what no path has makes it a regular expression.
_REGEX = re.compile(r"/.*(?:\.[*+]|\||\)|\]).*/")
_ONE_LETTER = re.compile(r"\w+\?\w*|\?\w+")
# "s3:*" and "*" are values that policies have; a word with a star is none.
_STAR = re.compile(r"\w+\*|\*\w+")
_EQUALS = re.compile(r"([\w@][\w@.]*)\s*={1,3}\s*(\S+)")


def signs(subject: Subject) -> Iterator[RuleWarning]:
    if subject.query.language not in {"lucene", "kql"}:
        return
    for ask in asks(subject.tree):
        if why := _why(ask, is_kql=subject.query.language == "kql"):
            yield subject.warning("R206", why, at=ask.at)


def _why(ask: Ask, *, is_kql: bool) -> str | None:
    value = re.sub(r"\\(.)", r"\1", ask.value) if ask.kind is Kind.PATTERN else ask.value
    field = ask.field or ""
    if ask.kind is Kind.PHRASE:
        if not _STAR.fullmatch(value):
            return None
        return f"within quotes the star of {shown(value)} is a letter: write {field and f'{field}:'}{value}"
    if ask.kind not in (Kind.WORDS, Kind.PATTERN):
        return "_exists_ is a field in KQL: write FIELD: *" if is_kql and field == "_exists_" else None
    if not field:
        found = _EQUALS.fullmatch(value)
        return f"{shown(value)} compares nothing: write {found[1]}:{found[2]}" if found else None
    return _in_value(field, value) or (_only_kql(field, value) if is_kql else None)


def _in_value(field: str, value: str) -> str | None:
    if (found := _IN_QUOTES.fullmatch(value)) or _CURLY.search(value):
        bare = found[1] if found else _CURLY.sub("", value)
        return f'the quotes of {shown(value)} are letters of the value: write {field}:"{bare}"'
    if value.startswith("=") and value.strip("= "):
        return f"the = of {shown(value)} is a letter of the value: write {field}:{value.lstrip('= ')}"
    if value.startswith(".*"):
        return f"the dot of {shown(value)} is a letter of the value: write {field}:{value[1:]}"
    return None


def _only_kql(field: str, value: str) -> str | None:
    if field == "_exists_":
        return f"_exists_ is a field in KQL: write {value}: *"
    if found := _RANGE.fullmatch(value):
        ends = [f"{field} {sign} {end}" for sign, end in ((">=", found[1]), ("<=", found[2])) if end != "*"]
        return f"{shown(value)} is one value in KQL: write {' and '.join(ends) or f'{field}: *'}"
    return _operator_in_kql(field, value)


def _operator_in_kql(field: str, value: str) -> str | None:
    if " && " in value or " || " in value:
        return f"&& and || are letters in KQL: write and, or between clauses: {shown(f'{field}: {value}')}"
    if value.startswith("!") and len(value) > 1:
        return f"the ! of {shown(value)} is a letter in KQL: write not {field}: {value[1:]}"
    if _REGEX.fullmatch(value):
        return f"KQL has no regular expressions: write {shown(f'{field}:{value}')} as query.lucene"
    if _ONE_LETTER.fullmatch(value):
        return f"the ? of {shown(value)} is a letter in KQL: write *, or use query.lucene"
    return None
