"""A query taken apart at its ANDs and ORs, each part a query of its own: so it can be asked which of them fails."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alertd.rules.compile import MOST_CLAUSES, lucene
from alertd.rules.language.lucene import Clause, fields, parse, weight
from alertd.rules.model import Query

if TYPE_CHECKING:
    from alertd.rules.language.kql import Node


@dataclass(frozen=True, slots=True)
class Part:
    query: Query
    fields: tuple[str, ...]  # that it names
    joined: str = ""  # how its parts make it up: "AND", "OR"
    parts: tuple["Part", ...] = ()  # none: it cannot be taken apart


def take_apart(query: Query) -> Part:
    match query.language:
        case "lucene":
            return _lucene_part(query, parse(query.text))
        case "kql":
            from alertd.rules.language import kql  # noqa: PLC0415 the grammar costs memory: only where there is a query for it

            return _kql_part(query, kql.parse(query.text))
        case _:
            return _dsl_part(query, query.clause)


def all_parts(part: Part) -> Iterator[Part]:
    """The part itself and everything below it."""
    yield part
    for below in part.parts:
        yield from all_parts(below)


def _lucene_part(query: Query, clauses: tuple[Clause, ...]) -> Part:
    text = query.text[clauses[0].start : clauses[-1].end]
    named = tuple(dict.fromkeys(fields(clauses, query.text)))
    asked = Query("lucene", text, lucene(text), query.where, weight(clauses, of_any_field=MOST_CLAUSES))
    while len(clauses) == 1 and clauses[0].group and clauses[0].sign in (None, "+") and clauses[0].field is None:
        clauses = clauses[0].group
    joined = _joined(clauses)
    below = tuple(_lucene_part(query, (clause,)) for clause in clauses) if joined else ()
    return Part(asked, named, joined, below)


def _joined(clauses: tuple[Clause, ...]) -> str:
    """With ANDs beside ORs, or signs beside ORs, the parts do not add up to the whole."""
    if len(clauses) > 1 and all(clause.joined == "AND" for clause in clauses[1:]):
        return "AND"
    if len(clauses) > 1 and all(clause.joined != "AND" and clause.sign is None for clause in clauses):
        return "OR"
    return ""


def _kql_part(query: Query, node: "Node") -> Part:
    asked = Query("kql", query.text[node.start : node.end], node.clause, query.where)
    return Part(asked, node.fields, node.joined, tuple(_kql_part(query, below) for below in node.parts))


def _dsl_part(query: Query, clause: Mapping[str, object]) -> Part:
    asked = Query("dsl", json.dumps(clause, ensure_ascii=False), clause, query.where)
    named = tuple(dict.fromkeys(_dsl_fields(clause)))
    within = clause.get("bool")
    if not isinstance(within, Mapping):
        return Part(asked, named)
    if within.keys() <= {"must", "filter", "must_not"}:
        below = [
            {"bool": {"must_not": [item]}} if name == "must_not" else item
            for name in within
            for item in _clauses(within[name])
        ]
        return Part(asked, named, "AND", tuple(_dsl_part(query, item) for item in below if item != clause))
    if within.keys() <= {"should", "minimum_should_match"} and within.get("minimum_should_match", 1) in (1, "1"):
        return Part(asked, named, "OR", tuple(_dsl_part(query, item) for item in _clauses(within.get("should"))))
    return Part(asked, named)


def _clauses(value: object) -> list[Mapping[str, object]]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, Mapping)]


def _dsl_fields(node: object) -> Iterator[str]:
    """`field` of exists, and the one key of a leaf such as term."""
    if isinstance(node, list):
        for item in node:
            yield from _dsl_fields(item)
    elif isinstance(node, Mapping):
        for name, value in node.items():
            if name == "exists" and isinstance(value, Mapping):
                yield str(value.get("field"))
            elif name == "bool" and isinstance(value, Mapping):
                yield from _dsl_fields(list(value.values()))
            elif isinstance(value, Mapping) and len(value) == 1:
                yield from value
