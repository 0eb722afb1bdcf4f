"""Queries → trees. What Lucene makes of AND and OR side by side is followed to the letter."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from alertd.rules.language import lucene
from alertd.rules.lint.logic import (
    EVERYTHING,
    NOTHING,
    Ask,
    Both,
    Either,
    Kind,
    Not,
    Opaque,
    Tree,
    both,
    either,
    negated,
)
from alertd.rules.model import Query

if TYPE_CHECKING:
    from alertd.rules.language.kql import Node

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_COMPARISON = re.compile(r"[<>]=?")
_WORD = re.compile(r"\w+")
_FIXED: Mapping[str, Tree] = {"match_all": EVERYTHING, "match_none": NOTHING}
_BOOL = {"must", "filter", "should", "must_not", "minimum_should_match", "boost", "_name"}
# What changes nothing about how a query_string is read.
_QUERY_STRING = {
    *("query", "default_field", "fields", "default_operator", "analyze_wildcard", "allow_leading_wildcard"),
    *("lenient", "boost", "_name"),
}
# Of words that nothing but blanks part.
RUN = "run"
# How query DSL names the value in the long form of a question: {"term": {FIELD: {"value": …}}}.
_VALUES = ("value", "query", "wildcard")
_KINDS = {
    "term": Kind.EXACT,
    "match": Kind.WORDS,
    "match_phrase": Kind.PHRASE,
    "prefix": Kind.PREFIX,
    "wildcard": Kind.PATTERN,
    "regexp": Kind.REGEX,
    "fuzzy": Kind.FUZZY,
    "range": Kind.RANGE,
}


def read(query: Query) -> Tree:
    match query.language:
        case "lucene":
            return _clauses(lucene.parse(query.text), None)
        case "kql":
            from alertd.rules.language import kql  # noqa: PLC0415 the grammar costs memory: only where there is a query for it

            return _node(kql.parse(query.text))
        case _:
            return _clause(query.clause, 0, raw=True)


def occurs(clauses: Sequence[lucene.Clause]) -> list[str]:
    """ "must", "should" or "must not" of each, as Lucene's classic parser decides: AND binds what stands beside it."""
    found: list[str] = []
    for clause in clauses:
        if clause.joined == "AND" and found and found[-1] == "should":
            found[-1] = "must"
        if clause.sign in ("NOT", "-"):
            found.append("must not")
        else:
            found.append("must" if clause.sign == "+" or clause.joined == "AND" else "should")
    return found


def run_of(clauses: Sequence[lucene.Clause], at: int) -> int:
    """How many clauses, from that one on, are words with nothing but blanks between them.

    Servers analyse them together: a keyword field is compared with all of them as one value.
    """
    length = 0
    for clause in clauses[at:]:
        plain = clause.kind is lucene.Kind.TERM and clause.end - clause.start == len(clause.value)
        if not plain or clause.field or clause.sign or clause.joined:
            break
        length += 1
    return max(length, 1)


def _clauses(clauses: Sequence[lucene.Clause], field: str | None) -> Tree:
    parts: dict[str, list[Tree]] = {"must": [], "should": [], "must not": []}
    found = occurs(clauses)
    at = 0
    while at < len(clauses):
        length = run_of(clauses, at)
        some = clauses[at : at + length]
        parts[found[at + length - 1]].append(_lucene(some[0], field) if length == 1 else _run(some, field, found[at:]))
        at += length
    # beside what must match, what may match changes nothing but the score
    wanted = parts["must"] or ([either(parts["should"])] if parts["should"] else [])
    return both([*wanted, *(negated(part) for part in parts["must not"])])


def _run(clauses: Sequence[lucene.Clause], field: str | None, found: Sequence[str]) -> Tree:
    value = " ".join(_ESCAPE.sub(r"\1", clause.value) for clause in clauses)
    words = Ask(Kind.WORDS, field, value, options=RUN, at=clauses[0].start)
    # an AND after it binds its last word only, if the field is analysed text
    return words if found[len(clauses) - 1] == "should" else Opaque(f"{field}:({value}) AND", (words,))


def _lucene(clause: lucene.Clause, around: str | None) -> Tree:
    field = _ESCAPE.sub(r"\1", clause.field) if clause.field else around
    field = None if field == "*" else field
    if clause.group:
        return _clauses(clause.group, field)
    if clause.value == "*":
        return Ask(Kind.EXISTS, field, "", at=clause.start) if field else EVERYTHING
    value = _ESCAPE.sub(r"\1", clause.value)
    if clause.field == "_exists_":
        return Ask(Kind.EXISTS, value.strip('"'), "", at=clause.start)
    return _question(clause, field, value)


def _question(clause: lucene.Clause, field: str | None, value: str) -> Ask:
    if clause.fuzzy:
        return Ask(Kind.FUZZY, field, value, options=str(clause.kind), at=clause.start)
    match clause.kind:
        case lucene.Kind.QUOTED:
            return _words(Kind.PHRASE, field, value[1:-1], clause.start)
        case lucene.Kind.WILD:
            return Ask(Kind.PATTERN, field, clause.value, at=clause.start)
        case lucene.Kind.REGEX:
            return Ask(Kind.REGEX, field, clause.value[1:-1], at=clause.start)
        case lucene.Kind.RANGE:
            return Ask(Kind.RANGE, field, value, at=clause.start)
        case _:
            compares = _COMPARISON.match(clause.value)
            return _words(Kind.RANGE if compares else Kind.WORDS, field, value, clause.start)


def _words(kind: Kind, field: str | None, value: str, at: int) -> Ask:
    """A phrase of one word is that word."""
    return Ask(Kind.WORDS if kind is Kind.PHRASE and _WORD.fullmatch(value) else kind, field, value, at=at)


def _node(node: "Node") -> Tree:
    """Parts of a query know where they stand; below them, its clauses do not."""
    if node.parts:
        parts = [_node(part) for part in node.parts]
        return both(parts) if node.joined == "AND" else either(parts)
    return _clause(node.clause, node.start, raw=False)


def _clause(clause: object, at: int, *, raw: bool) -> Tree:
    if not isinstance(clause, Mapping) or len(clause) != 1:
        return _opaque(clause)
    [(kind, body)] = clause.items()
    if kind in _FIXED:
        return _FIXED[kind]
    if not isinstance(body, Mapping):
        return _opaque(clause)
    if kind in {"constant_score", "nested"}:
        within = _clause(body.get("filter", body.get("query")), at, raw=raw)
        return within if kind == "constant_score" else _opaque(clause, within)
    if kind in {"multi_match", "query_string", "simple_query_string"}:
        return _anywhere(kind, body, at)
    return _bool(body, at, raw=raw) if kind == "bool" else _leaf(kind, body, at, raw=raw)


def _bool(body: Mapping[str, object], at: int, *, raw: bool) -> Tree:
    def trees(name: str) -> list[Tree]:
        below = body.get(name, [])
        return [_clause(each, at, raw=raw) for each in (below if isinstance(below, list) else [below])]

    needed = [*trees("must"), *trees("filter")]
    excluded = [negated(each) for each in trees("must_not")]
    should = trees("should")
    least = str(body.get("minimum_should_match", 0))
    if body.keys() - _BOOL or least not in {"0", "1"} or (least == "1" and not should):
        return _opaque({"bool": body}, *needed, *excluded, *should)
    # where nothing must match, one of what should match has to, also if 0 is asked for
    wanted = [either(should)] if should and (least == "1" or not needed) else []
    return both([*needed, *wanted, *excluded])


def _terms(body: Mapping[str, object], at: int) -> Tree:
    names = [name for name in body if name != "boost"]
    values = body.get(names[0]) if len(names) == 1 else None
    if not isinstance(values, list):
        return _opaque({"terms": body})
    return either([Ask(Kind.EXACT, names[0], _text(value), raw=True, at=at) for value in values])


def _leaf(name: str, body: Mapping[str, object], at: int, *, raw: bool) -> Tree:
    if name in {"script", "script_score"}:
        return Ask(Kind.SCRIPT, None, _text(body), at=at)
    if name == "exists":
        return Ask(Kind.EXISTS, str(body.get("field")), "", at=at)
    if name == "terms":
        return _terms(body, at)
    if name not in _KINDS or len(body) != 1:
        return _opaque({name: body})
    [(field, asked)] = body.items()
    kind = _KINDS[name]
    if kind is Kind.RANGE or not isinstance(asked, Mapping):
        return _value(kind, str(field), asked, "", raw=raw, at=at)
    key = next((key for key in _VALUES if key in asked), "")
    options = {other: value for other, value in asked.items() if other not in {key, "boost", "_name"}}
    return _value(kind, str(field), asked.get(key), _text(options) if options else "", raw=raw, at=at)


def _value(kind: Kind, field: str, value: object, options: str, *, raw: bool, at: int) -> Ask:
    text = _text(value)
    if kind in (Kind.WORDS, Kind.PHRASE) and not options and _WORD.fullmatch(text):
        return Ask(Kind.WORDS, field, text, at=at)
    return Ask(kind, field, text, raw=raw, options=options, at=at)


def _anywhere(kind: str, body: Mapping[str, object], at: int) -> Tree:
    """A text that is looked for in some fields, or in all of them."""
    text = str(body.get("query"))
    named = body.get("fields", body.get("default_field"))
    listed = named if isinstance(named, list) else [named]
    fields = [str(name).partition("^")[0] for name in listed if name not in (None, "*")]
    if kind == "query_string":
        if len(fields) > 1 or body.keys() - _QUERY_STRING or str(body.get("default_operator", "or")).lower() != "or":
            return _opaque({kind: body})
        try:
            return _moved(_clauses(lucene.parse(text), fields[0] if fields else None), at)
        except lucene.LuceneError:
            return _opaque({kind: body})
    if not fields:
        return Ask(Kind.WORDS, None, text, options=_text(body), at=at)
    return _opaque({kind: body}, *(Ask(Kind.WORDS, name, text, raw=True, at=at) for name in fields))


def _moved(tree: Tree, at: int) -> Tree:
    """A query within a query: it stands where that one does."""
    match tree:
        case Ask():
            return replace(tree, at=at)
        case Not():
            return Not(_moved(tree.part, at))
        case Both():
            return Both(tuple(_moved(part, at) for part in tree.parts))
        case Either():
            return Either(tuple(_moved(part, at) for part in tree.parts))
        case Opaque():
            return Opaque(tree.text, tuple(_moved(part, at) for part in tree.parts))


def _opaque(clause: object, *parts: Tree) -> Opaque:
    return Opaque(_text(clause), parts)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
