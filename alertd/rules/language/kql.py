"""The Kibana query language → query DSL, as Kibana itself translates it where it knows no mapping.

Grammar: kql.lark. The words match as they do in Discover: a value without quotes by any of its words, in quotes as a
phrase; nothing is lenient where a field is named. A value with * is one pattern, blanks and all, as Kibana has it for
keywords: where Kibana knows no type it would ask for any of the words, and "Night *" would be everything.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken

from alertd.rules.language.lucene import MOST_NESTED, SyntaxMistake

Clause = Mapping[str, object]

_RANGES = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_PIECES = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|\*|[^\\*]+", re.DOTALL)
_BRACKETS = re.compile(r'"(?:\\.|[^"\\])*"|\\.|[(){}]', re.DOTALL)
_NAMED = {"(": "parenthesis", ")": "parenthesis", "{": "brace", "}": "brace"}
_INSTEAD = {
    '"': "quote without an end",
    "\\": "nothing after the backslash",
    ":": 'a ":" within a value is written \\: or the value stands within quotes',
}
_BLANKS = {"t": "\t", "r": "\r", "n": "\n"}
# Within quotes a backslash before anything else stands for itself.
_ESCAPED_IN_QUOTES = frozenset('trn"\\')
# What query_string would take for its own syntax. An escaped blank does not part its words.
_RESERVED = re.compile(r'([-+=&|><!(){}\[\]^"~*?:\\/\s])')
# Kibana reads the letter after the backslash as a line break, people read the word.
_NOT = re.compile(r"\\not(?=\s|$)", re.IGNORECASE)

# The escapes of Kibana's grammar, and those of blanks.
_KNOWN = re.compile(r'\\(?:u[0-9a-fA-F]{4}|[\\():<>"*{}trn\s]|(?i:and|or|not)(?!\w))')
_ANY_ESCAPE = re.compile(r"\\.", re.DOTALL)
# In the place of a value Kibana reads a keyword, too, and has no use for it there.
_BEGINS_WITH_NOT = re.compile(r"not(?=\s)", re.IGNORECASE)


class KqlError(Exception):
    def __init__(self, at: int, what: str) -> None:
        super().__init__(what)
        self.mistake = SyntaxMistake(at + 1, what)


@dataclass(frozen=True, slots=True)
class Node:
    """A query or a part of one, with the place where it stands."""

    clause: Clause
    start: int
    end: int
    fields: tuple[str, ...] = ()
    joined: str = ""  # "AND" or "OR": how its parts make it up
    parts: tuple["Node", ...] = ()


def parse(text: str) -> Node:
    """KqlError at the first mistake."""
    try:
        tree = _grammar().parse(text)
    except UnexpectedInput as error:
        raise _explained(error, text) from error
    _check_depth(tree)
    return _query(tree, "")


def _check_depth(tree: Tree[Token]) -> None:
    """Level by level, so that no depth is too much. Brackets that change nothing are no level."""
    level = [tree]
    for _ in range(MOST_NESTED):
        level = [below for each in level for below in _trees(each)]
    if level:
        raise KqlError(_span(level[0])[0], f"nested more than {MOST_NESTED} deep: write it flatter")


@cache
def _grammar() -> Lark:
    return Lark(
        (files("alertd.rules.language") / "kql.lark").read_text("utf-8"), parser="lalr", propagate_positions=True
    )


@dataclass(frozen=True, slots=True)
class _Literal:
    text: str  # as meant, without escapes
    quoted: bool
    pattern: str = ""  # for query_string; none: it has no wildcard

    @property
    def everything(self) -> bool:
        return self.pattern == "*"


def _query(tree: Tree[Token], path: str) -> Node:
    """`path`: of the nested objects around it, with a dot at its end."""
    match tree.data:
        case "either" | "both":
            return _joined(tree, [_query(child, path) for child in _trees(tree)])
        case "negation":
            return _negated(tree, _query(_trees(tree)[0], path))
        case "nested":
            name, inner = _trees(tree)
            field = path + _plain_name(name)
            within = _query(inner, f"{field}.")
            clause = {"nested": {"path": field, "query": within.clause, "score_mode": "none"}}
            return Node(clause, *_span(tree), within.fields)
        case "field_is":
            name, values = _trees(tree)
            return _values(values, path, _name(name), _span(tree))
        case "field_range":
            name, value = _trees(tree)
            field = path + _plain_name(name)
            operator = _RANGES[next(str(child) for child in tree.children if isinstance(child, Token))]
            return Node({"range": {field: {operator: _end(value)}}}, *_span(tree), (field,))
        case _:
            return Node(_anywhere(_literal(_trees(tree)[0])), *_span(tree))


def _values(tree: Tree[Token], path: str, name: _Literal, span: tuple[int, int] | None = None) -> Node:
    match tree.data:
        case "any_value" | "all_values":
            whole = _joined(tree, [_values(child, path, name) for child in _trees(tree)])
        case "negation":
            whole = _negated(tree, _values(_trees(tree)[0], path, name))
        case _:
            clause = _field_is(name, path, _literal(_trees(tree)[0]))
            whole = Node(clause, *_span(tree), () if name.everything else (path + name.text,))
    # parts of a list of values cannot stand alone: their field is written once, before them
    return Node(whole.clause, *(span or _span(tree)), whole.fields)


def _joined(tree: Tree[Token], nodes: list[Node]) -> Node:
    fields = tuple(dict.fromkeys(field for node in nodes for field in node.fields))
    clauses = [node.clause for node in nodes]
    if tree.data in {"both", "all_values"}:
        return Node({"bool": {"filter": clauses}}, *_span(tree), fields, "AND", tuple(nodes))
    clause = {"bool": {"should": clauses, "minimum_should_match": 1}}
    return Node(clause, *_span(tree), fields, "OR", tuple(nodes))


def _negated(tree: Tree[Token], node: Node) -> Node:
    return Node({"bool": {"must_not": [node.clause]}}, *_span(tree), node.fields)


def _field_is(name: _Literal, path: str, value: _Literal) -> Clause:
    field = path + name.text
    if name.everything:
        return {"match_all": {}} if value.everything else _anywhere(value)
    if value.everything:
        return {"exists": {"field": field}}
    if value.pattern:
        return {"query_string": {"fields": [field], "query": value.pattern, "analyze_wildcard": True, "lenient": False}}
    if name.pattern:
        kind = "phrase" if value.quoted else "best_fields"
        return {"multi_match": {"fields": [field], "query": value.text, "type": kind, "lenient": True}}
    return {"match_phrase" if value.quoted else "match": {field: value.text}}


def _anywhere(value: _Literal) -> Clause:
    """No field is named: a value that a field cannot hold is not in it."""
    if value.everything:
        return {"match_all": {}}
    if value.pattern:
        return {"query_string": {"query": value.pattern, "analyze_wildcard": True, "lenient": True}}
    kind = "phrase" if value.quoted else "best_fields"
    return {"multi_match": {"query": value.text, "type": kind, "lenient": True}}


def _name(tree: Tree[Token]) -> _Literal:
    """Of a field; a star in it stands for any letters."""
    name = _literal(tree)
    stars = 0 if name.quoted else _PIECES.findall(str(tree.children[0])).count("*")
    # no server has a way to ask for a field of such a name: ^ would weigh it, * stand for any letters
    if "^" in name.text or name.text.count("*") != stars:
        raise KqlError(_span(tree)[0], "the name of a field cannot hold ^ or *, no server would look for it")
    return name


def _plain_name(tree: Tree[Token]) -> str:
    name = _name(tree)
    if name.pattern:
        raise KqlError(
            _span(tree)[0], "exactly one field is named here, without *: write a clause for each, with or between them"
        )
    return name.text


def _end(tree: Tree[Token]) -> str:
    """Of a range."""
    value = _literal(tree)
    if value.pattern:
        raise KqlError(
            _span(tree)[0], "a range ends at a value, not at a pattern: leave the * out, or write field: value*"
        )
    return value.text


def _literal(tree: Tree[Token]) -> _Literal:
    token, start = str(tree.children[0]), _span(tree)[0]
    if token.startswith('"'):
        return _Literal(_joined_halves("".join(map(_quoted, _PIECES.findall(token[1:-1]))), start), quoted=True)
    if found := _NOT.search(token):
        raise KqlError(start + found.start(), f'write the word within quotes: "{found[0][1:]}"')
    if _BEGINS_WITH_NOT.match(token):
        raise KqlError(start, '"not" within a value: write not before the field, or the value within quotes')
    for found in _ANY_ESCAPE.finditer(token):
        if not _KNOWN.match(token, found.start()):
            what = f"{found[0]} is no escape: write \\\\ for a backslash, or the value within quotes"
            raise KqlError(start + found.start(), what)
    pieces = _PIECES.findall(token)
    text = _joined_halves("".join(map(_meant, pieces)), start)
    if "*" not in pieces:
        return _Literal(text, quoted=False)
    asked = "".join("*" if piece == "*" else _RESERVED.sub(r"\\\1", _meant(piece)) for piece in pieces)
    return _Literal(text, quoted=False, pattern=_joined_halves(asked, start))


def _meant(piece: str) -> str:
    """What an escape stands for; anything else for itself."""
    if not piece.startswith("\\"):
        return piece
    code = piece[2:]
    return chr(int(code, base=16)) if code else _BLANKS.get(piece[1], piece[1])


def _quoted(piece: str) -> str:
    return _meant(piece) if piece[2:] or piece[1:] in _ESCAPED_IN_QUOTES else piece


def _joined_halves(text: str, start: int) -> str:
    """\\uD83D\\uDE00 is one sign of two halves; a half alone is none, and cannot be sent."""
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise KqlError(start, "\\u with half a sign: write the sign itself") from error


def _trees(tree: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in tree.children if isinstance(child, Tree)]


def _span(tree: Tree[Token]) -> tuple[int, int]:
    return tree.meta.start_pos, tree.meta.end_pos


def _explained(error: UnexpectedInput, text: str) -> KqlError:
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    at = len(text) if at_end else cast("int", error.pos_in_stream)  # lark declares it None, and always sets it
    opened = _open_brackets(text[:at])
    before = text[:at].rstrip()
    last = before.rsplit(maxsplit=1)[-1] if before else ""
    found = text[at : at + 1]
    if at_end and opened:
        return KqlError(opened[-1], f"unbalanced {_NAMED[text[opened[-1]]]}")
    if found and found in ")}" and not opened:
        return KqlError(at, f"unbalanced {_NAMED[found]}")
    if at_end or found in ")}":
        return KqlError(len(before) - len(last), f'nothing after "{last}"' if last else "empty query")
    if found in _INSTEAD and not _BRACKETS.match(text, at):
        return KqlError(at, _INSTEAD[found])
    word = text[at:].split(maxsplit=1)[0].strip('"')
    expected = "a value" if last.endswith(":") else "and, or" if last else "a field or a value"
    return KqlError(at, f'"{word}" where {expected} is expected')


def _open_brackets(text: str) -> list[int]:
    """The places of those that are open at its end."""
    opened: list[int] = []
    for found in _BRACKETS.finditer(text):
        if found[0] in _NAMED:
            opened = [*opened, found.start()] if found[0] in "({" else opened[:-1]
    return opened
