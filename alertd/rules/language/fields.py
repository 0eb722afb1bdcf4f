"""Which fields of a document a query looks at: what else a document holds cannot change the answer."""

from collections.abc import Iterator, Mapping

from alertd.rules.language.lucene import Clause, LuceneError, fields, parse
from alertd.rules.model import Query

# Query DSL's questions about one field: {"term": {FIELD: …}}.
_LEAVES = frozenset(
    ("term", "match", "match_phrase", "match_phrase_prefix", "prefix", "wildcard", "regexp", "range", "fuzzy")
)
_EVERY_EVENT = ("*", "*:*")


class _AnyFieldError(Exception):
    """It cannot be told; or a word that names no field is looked for in all of them."""


def named_fields(query: Query) -> frozenset[str] | None:
    """None: any field may count."""
    try:
        if query.language == "lucene":
            return frozenset(_lucene(parse(query.text), query.text))
        return frozenset(_dsl(query.clause))
    except _AnyFieldError:
        return None


def _lucene(clauses: tuple[Clause, ...], text: str) -> Iterator[str]:
    if any(_is_unnamed(clause, text) for clause in clauses):
        raise _AnyFieldError
    for name in fields(clauses, text):
        if "*" in name or "?" in name or name.startswith("_"):
            raise _AnyFieldError
        yield name


def _is_unnamed(clause: Clause, text: str) -> bool:
    if clause.field == "*":
        return text[clause.start : clause.end].replace(" ", "").strip("+-!") not in {"*:*", "NOT*:*"}
    if clause.field:
        return False
    if clause.group:
        return any(_is_unnamed(below, text) for below in clause.group)
    value = text[clause.start : clause.end].strip()
    for sign in ("NOT", "+", "-", "!"):
        value = value.removeprefix(sign).strip()
    return value not in _EVERY_EVENT


def _dsl(clause: object) -> Iterator[str]:
    if not isinstance(clause, Mapping) or len(clause) != 1:
        raise _AnyFieldError
    [(kind, body)] = clause.items()
    if kind in {"match_all", "match_none"}:
        return
    if not isinstance(body, Mapping):
        raise _AnyFieldError
    if kind == "bool":
        yield from _bool(body)
    elif kind == "exists":
        yield _plain(body.get("field"))
    elif kind in _LEAVES and len(body) == 1:
        yield _plain(next(iter(body)))
    elif kind == "terms" and len(body.keys() - {"boost"}) == 1:
        yield _plain(next(iter(body.keys() - {"boost"})))
    elif kind in {"multi_match", "query_string"}:
        yield from _many(body)
        if kind == "query_string":
            yield from _named_within(str(body.get("query")))
    else:
        raise _AnyFieldError


def _bool(body: Mapping[str, object]) -> Iterator[str]:
    for name, below in body.items():
        if name in {"must", "filter", "should", "must_not"}:
            for clause in below if isinstance(below, list) else [below]:
                yield from _dsl(clause)
        elif name not in {"minimum_should_match", "boost", "_name"}:
            raise _AnyFieldError


def _many(body: Mapping[str, object]) -> Iterator[str]:
    """The fields in which a text is looked for."""
    asked = body.get("fields")
    if not isinstance(asked, list) or not asked:
        raise _AnyFieldError
    for name in asked:
        yield _plain(name)


def _named_within(text: str) -> Iterator[str]:
    """The text of a query_string may name more fields than those in which its words are looked for."""
    try:
        clauses = parse(text)
    except LuceneError as error:
        raise _AnyFieldError from error
    if _names_all(clauses):
        raise _AnyFieldError
    for name in fields(clauses, text):
        yield _plain(name)


def _names_all(clauses: tuple[Clause, ...]) -> bool:
    return any(clause.field == "*" or _names_all(clause.group) for clause in clauses)


def _plain(name: object) -> str:
    if not isinstance(name, str) or set(name) & set("*?^") or name.startswith("_"):
        raise _AnyFieldError
    return name
