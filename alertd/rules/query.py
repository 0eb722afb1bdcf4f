"""The `query` table of a rule or a rule set → a clause of query DSL. Judges what can be judged without a server."""

import json
from collections.abc import Callable, Mapping

from alertd.rules.compile import MOST_CLAUSES, lucene
from alertd.rules.language.lucene import LuceneError, SyntaxMistake, canonical, parse, weight
from alertd.rules.model import Query
from alertd.toml.file import suggest
from alertd.toml.table import Table

# Of a long query, what fits a terminal beside its mistake.
SHOWN_BEFORE_MISTAKE, SHOWN_AFTER_MISTAKE = 60, 40

_HINT = ': write query.lucene = "…", or query.kql, or query.dsl'
_ONE_CLAUSE = 'must be one clause of query DSL, as a table or a JSON text: {"term": {"field": "value"}}'

# Servers take 30 bool clauses within each other, of three levels each; a little more, and ours runs out of stack.
MOST_DEEP = 96


def read_query(owner: Table) -> Query:
    """Where there is none, or a wrong one, a query that matches nothing stands for it."""
    table = owner.table("query", hint=_HINT)
    if "query" not in owner.data:
        owner.note(None, f"query is missing: write one of {_NAMES}")
    elif len(table.data) == 1:
        [language] = table.data
        value = table.data[language]
        if language in _READERS:
            return _READERS[language](table, value)
        owner.note("query", f'unknown query language "{language}". {suggest(language, list(_READERS))}')
    elif isinstance(owner.data["query"], dict):
        owner.note("query", f"query must have exactly one of {_NAMES}; it has {', '.join(table.data) or 'none'}")
    return _nothing(table)


def meaning(query: Query) -> tuple[str, str]:
    """The same for queries that differ in nothing but white space."""
    return query.language, canonical(query.text) if query.language == "lucene" else query.text


def _lucene(table: Table, value: object) -> Query:
    if not isinstance(value, str):
        table.note("lucene", "query.lucene must be a text")
        return _nothing(table)
    try:
        parsed = parse(value)
    except LuceneError as error:
        _note_mistake(table, "lucene", value, error.mistake)
        return _nothing(table)
    words = weight(parsed, of_any_field=MOST_CLAUSES)
    return Query("lucene", value, lucene(value), table.where("lucene"), words, _first_line(table, "lucene"))


def _kql(table: Table, value: object) -> Query:
    from alertd.rules.language import kql  # noqa: PLC0415 the grammar costs memory: only where there is a query for it

    if not isinstance(value, str):
        table.note("kql", "query.kql must be a text")
        return _nothing(table)
    try:
        parsed = kql.parse(value)
    except kql.KqlError as error:
        _note_mistake(table, "kql", value, error.mistake)
        return _nothing(table)
    return Query("kql", value, parsed.clause, table.where("kql"), _weight(parsed.clause), _first_line(table, "kql"))


def _dsl(table: Table, value: object) -> Query:
    try:
        value = json.loads(value) if isinstance(value, str) else value
        is_deep = _is_deep(value)
    except RecursionError:  # json has no error of its own for it
        is_deep = True
    except ValueError as error:
        table.note("dsl", f"query.dsl is not JSON: {error}")
        return _nothing(table)
    if is_deep:
        table.note("dsl", f"query.dsl is nested more than {MOST_DEEP} deep: write it flatter")
        return _nothing(table)
    if isinstance(value, dict) and "query" in value:
        # a whole search, as Watcher and Dev Tools have it
        table.note("dsl", 'query.dsl holds a whole search: write what stands in its "query" alone')
        return _nothing(table)
    if not isinstance(value, dict) or len(value) != 1:
        table.note("dsl", f"query.dsl {_ONE_CLAUSE}")
        return _nothing(table)
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        table.note(
            "dsl",
            "query.dsl holds a date, a time, inf, nan or a number without end, which JSON cannot: write it as a text",
        )
        return _nothing(table)
    return Query("dsl", text, value, table.where("dsl"), _weight(value))


def _is_deep(value: object) -> bool:
    """Level by level, so that no depth is too much."""
    level = [value]
    for _ in range(MOST_DEEP):
        within = [item for each in level for item in _items(each)]
        if not within:
            return False
        level = within
    return any(isinstance(each, dict | list) for each in level)


def _items(value: object) -> list[object]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def _first_line(table: Table, language: str) -> int | None:
    return table.file.first_line((*table.at, language))


def _weight(value: object) -> int:
    """Rather too much than too little: a word may be a clause, and one for each field where none is named."""
    if isinstance(value, dict):
        return sum(_weight_of(name, item) for name, item in value.items())
    if isinstance(value, list):
        return sum(_weight(item) for item in value)
    return len(value.split()) if isinstance(value, str) else 1


def _weight_of(name: str, value: object) -> int:
    if name == "terms":
        return 1
    names_fields = isinstance(value, dict) and (value.keys() & {"fields", "default_field"})
    return MOST_CLAUSES if name in {"multi_match", "query_string"} and not names_fields else _weight(value)


def _note_mistake(table: Table, language: str, text: str, mistake: SyntaxMistake) -> None:
    """Shows the line of the query with a mark below the place."""
    if not text.strip():
        table.note(language, f"query.{language} is empty")
        return
    before = text[: mistake.column - 1]
    number = before.count("\n")
    column = len(before) - (before.rfind("\n") + 1)
    line = text.split("\n")[number].rstrip("\r")
    start = max(0, column - SHOWN_BEFORE_MISTAKE)
    shown = line[start : column + SHOWN_AFTER_MISTAKE].replace("\t", " ")
    place = f"line {number + 1}, column {column + 1}" if "\n" in text.strip("\n") else f"column {column + 1}"
    what = f"query.{language} cannot be parsed at {place}: {mistake.what}\n    {shown}\n    {' ' * (column - start)}^"
    table.note(language, what, text_line=number)


def _nothing(table: Table) -> Query:
    return Query("dsl", '{"match_none":{}}', {"match_none": {}}, table.where())


_READERS: Mapping[str, Callable[[Table, object], Query]] = {"lucene": _lucene, "kql": _kql, "dsl": _dsl}
_NAMES = ", ".join(f"query.{language}" for language in _READERS)
