"""A query taken apart at its ANDs and ORs, each part a query of its own: so it can be shown which of them fails."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from alertd.rules.compile import MOST_CLAUSES, lucene
from alertd.rules.lucene import Clause, fields, parse, weight
from alertd.rules.model import Query

# Parts of parts of parts help nobody to find the one that is wrong.
MOST_DEPTH = 2


@dataclass(frozen=True, slots=True)
class Part:
    query: Query
    depth: int
    fields: tuple[str, ...]  # that it names


def parts(query: Query) -> tuple[Part, ...]:
    """In the order they stand, each followed by its own; the query itself where it is but one."""
    if query.language == "lucene":
        return tuple(_lucene_parts(query, parse(query.text), 0))
    return tuple(_dsl_parts(query, query.clause, 0))


def _lucene_parts(query: Query, clauses: tuple[Clause, ...], depth: int) -> Iterator[Part]:
    if len(clauses) == 1 and _is_plain_group(clauses[0]):
        clauses = clauses[0].group
    if not _is_all_and(clauses) and not _is_all_or(clauses):
        yield _lucene_part(query, clauses, depth)
        return
    for clause in clauses:
        yield _lucene_part(query, (clause,), depth)
        if _is_plain_group(clause) and len(clause.group) > 1 and depth < MOST_DEPTH:
            yield from _lucene_parts(query, clause.group, depth + 1)


def _lucene_part(query: Query, clauses: tuple[Clause, ...], depth: int) -> Part:
    text = query.text[clauses[0].start : clauses[-1].end]
    named = tuple(dict.fromkeys(fields(clauses, query.text)))
    words = weight(clauses, of_any_field=MOST_CLAUSES)
    return Part(Query("lucene", text, lucene(text), query.where, words), depth, named)


def _is_plain_group(clause: Clause) -> bool:
    return bool(clause.group) and clause.sign in (None, "+") and clause.field is None


def _is_all_and(clauses: tuple[Clause, ...]) -> bool:
    return all(clause.joined == "AND" for clause in clauses[1:])


def _is_all_or(clauses: tuple[Clause, ...]) -> bool:
    # with a sign among them, or ANDs beside ORs, the parts do not add up to the whole
    return all(clause.joined != "AND" and clause.sign is None for clause in clauses)


def _dsl_parts(query: Query, clause: Mapping[str, object], depth: int) -> Iterator[Part]:
    within = clause.get("bool")
    if not isinstance(within, Mapping) or depth > MOST_DEPTH:
        yield _dsl_part(query, clause, depth)
    elif within.keys() <= {"must", "filter", "must_not"}:
        for name, item in _items(within):
            if name == "must_not":
                yield _dsl_part(query, {"bool": {"must_not": [item]}}, depth)
            else:
                yield from _dsl_parts(query, item, depth)
    else:
        yield _dsl_part(query, clause, depth)
        # any one of them will do, unless it says otherwise
        if within.keys() <= {"should", "minimum_should_match"} and within.get("minimum_should_match", 1) in (1, "1"):
            for _, item in _items({"should": within.get("should", [])}):
                yield from _dsl_parts(query, item, depth + 1)


def _items(within: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    for name, value in within.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                yield name, item


def _dsl_part(query: Query, clause: Mapping[str, object], depth: int) -> Part:
    text = json.dumps(clause, ensure_ascii=False)
    return Part(Query("dsl", text, clause, query.where), depth, tuple(_dsl_fields(clause)))


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
