"""R2xx: what Lucene's query syntax reads otherwise than people do."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from alertd.rules.language.lucene import Clause, parse
from alertd.rules.language.lucene import Kind as Token
from alertd.rules.lint.logic import Kind, asks
from alertd.rules.lint.reading import RUN, occurs
from alertd.rules.lint.warning import TEXT, Known, RuleWarning, Subject, shown

_WORDS = ("and", "or", "not")


def wording(subject: Subject, known: Known) -> Iterator[RuleWarning]:
    if subject.query.language == "lucene":
        yield from _level(subject, parse(subject.query.text), None)
        yield from _as_one_value(subject, known)
        return
    for ask in asks(subject.tree):
        if ask.field is None and ask.kind is not Kind.SCRIPT:
            yield subject.warning("R203", _everywhere(shown(ask.value)), at=ask.at)


def _level(subject: Subject, clauses: Sequence[Clause], field: str | None) -> Iterator[RuleWarning]:
    """Clauses that stand side by side; `field` is written before the parentheses around them."""
    found = [*_small_letters(subject, clauses), *(_unnamed(subject, clauses) if field is None else ())]
    if field is None and not found:
        found += _implied(subject, clauses)
    yield from found or _mixed(subject, clauses)
    for clause in clauses:
        if clause.group:
            yield from _level(subject, clause.group, clause.field or field)


def _small_letters(subject: Subject, clauses: Sequence[Clause]) -> Iterator[RuleWarning]:
    for clause in clauses:
        if _is_small(clause):
            text = f'"{clause.value}" in small letters is a word to be looked for: write {clause.value.upper()}'
            yield subject.warning("R204", text, at=clause.start)


def _is_small(clause: Clause) -> bool:
    return clause.field is None and clause.kind is Token.TERM and clause.value in _WORDS


def _unnamed(subject: Subject, clauses: Sequence[Clause]) -> Iterator[RuleWarning]:
    """Of several words after one value, one warning."""
    for at, clause in enumerate(clauses):
        if clause.field or clause.group or clause.value == "*" or _is_small(clause):
            continue
        before = clauses[at - 1] if at else None
        if before is None or not _follows(clause):
            yield subject.warning("R203", _everywhere(shown(_text(subject, clause))), at=clause.start)
        elif before.field and before.kind is Token.TERM:
            rest = [clause, *_run(clauses[at + 1 :])]
            words = subject.query.text[clause.start : rest[-1].end]
            _, _, value = subject.query.text[before.start : rest[-1].end].partition(":")
            yield subject.warning(
                "R202",
                f"{shown(words)} does not belong to {before.field}: it is looked for in all fields. "
                f'Put the value in quotes: {before.field}:"{_unquoted(value)}"',
                at=clause.start,
            )
        elif before.field or before.group or _is_small(before):
            yield subject.warning("R203", _everywhere(shown(_text(subject, clause))), at=clause.start)


def _unquoted(value: str) -> str:
    """Single quotes are letters to Lucene: who wrote them meant the others."""
    bare = value.strip()
    return bare[1:-1] if bare[0] == bare[-1] == "'" else bare


def _follows(clause: Clause) -> bool:
    """A word that only a blank parts from what stands before it."""
    return clause.joined is None and clause.sign is None and clause.kind in (Token.TERM, Token.BARE, Token.WILD)


def _run(clauses: Sequence[Clause]) -> Iterator[Clause]:
    for clause in clauses:
        if clause.field or clause.group or not _follows(clause) or _is_small(clause):
            return
        yield clause


def _implied(subject: Subject, clauses: Sequence[Clause]) -> Iterator[RuleWarning]:
    """Where signs are used, the blank between clauses is a part of that notation."""
    if any(clause.sign in ("+", "-") for clause in clauses):
        return
    for before, clause in pairwise(clauses):
        if clause.joined is None and clause.sign is None:
            pair = subject.query.text[before.start : clause.end]
            yield subject.warning(
                "R201", f"Lucene joins with OR: {shown(pair)} matches either. Write AND or OR.", at=clause.start
            )
            return


def _as_one_value(subject: Subject, known: Known) -> Iterator[RuleWarning]:
    """field:(one two) finds either in analysed text only."""
    for ask in asks(subject.tree):
        if ask.field is None or ask.options != RUN or set(ask.value.split(" ")) & set(_WORDS):
            continue
        types = known.types.get(ask.field, frozenset())
        if not (types and types <= TEXT):
            either = " OR ".join(ask.value.split(" "))
            yield subject.warning(
                "R201",
                f"{shown(ask.value)} is one value for a keyword, blanks and all; only analysed text matches either. "
                f"Write {ask.field}:({either})",
                at=ask.at,
            )


def _mixed(subject: Subject, clauses: Sequence[Clause]) -> Iterator[RuleWarning]:
    for before, clause in pairwise(clauses):
        if clause.joined == "OR" and {before.sign, clause.sign} & {"NOT", "-"}:
            text = f"{shown(subject.query.text[before.start : clause.end])} means AND NOT in Lucene: write OR (NOT …)"
            yield subject.warning("R205", text, at=clause.start)
            return
    found = occurs(clauses)
    if "must" in found and "should" in found:
        idle = clauses[found.index("should")]
        text = (
            f"{shown(_text(subject, idle))} changes nothing: beside what AND joins it is optional. "
            "Put parentheses around what belongs together."
        )
        yield subject.warning("R205", text, at=idle.start)


def _everywhere(word: str) -> str:
    return f"{word} is looked for in all fields: name one, field:value"


def _text(subject: Subject, clause: Clause) -> str:
    return subject.query.text[clause.start : clause.end]
