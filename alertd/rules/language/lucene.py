"""Lucene's query syntax as far as it can be judged without a server: the grammar of its classic query parser.

Finds the first mistake, and takes a query apart to explain it. It never refuses what a server would take. What a field
may hold and which words it has, only a server knows.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

# Servers run out of stack somewhere above this; no person writes it.
MOST_NESTED = 100


@dataclass(frozen=True, slots=True)
class SyntaxMistake:
    column: int  # from 1, in the text as a whole
    what: str


class LuceneError(Exception):
    def __init__(self, at: int, what: str) -> None:
        super().__init__(what)
        self.mistake = SyntaxMistake(at + 1, what)


class Kind(StrEnum):
    TERM = "term"
    BARE = "sign that stands for itself"
    WILD = "term with a wildcard"
    CONJUNCTION = "conjunction"
    SIGN = "sign"
    COLON = ":"
    OPEN = "("
    CLOSE = ")"
    FUZZY = "~"
    BOOST = "^"
    QUOTED = "quoted"
    RANGE = "range"
    REGEX = "regular expression"
    END = "end"


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of a query, as it stands between its conjunctions."""

    joined: str | None  # "AND" or "OR", as written before it; None: nothing was, which servers read as OR
    sign: str | None  # "+", "-" or "NOT"
    field: str | None
    group: tuple["Clause", ...]  # what its parentheses hold
    words: int  # of its value; a field of analysed text is asked for each; 0: any value will do
    start: int
    end: int
    kind: Kind | None = None  # of its value; None: it is a group
    value: str = ""  # as written, without boost and fuzziness
    fuzzy: bool = False


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Kind
    start: int
    end: int
    text: str


_BLANK = r"[ \t\n\r\u3000]"
_FIRST = r"""(?:\\.|[^ \t\n\r\u3000+\-!():^\[\]"{}~*?\\/])"""
_NEXT = rf"(?:{_FIRST}|[-+])"
_GOOP = r"""(?:"[^"]*"(?=[ \]}])|[^ \]}]+)"""
_TOKENS = re.compile(
    rf"""(?P<blank>{_BLANK}+)
    |(?P<bare>[+\-!]{_BLANK})
    |(?P<word>(?:{_FIRST}|[*?])(?:{_NEXT}|[*?])*)
    |(?P<quoted>"(?:[^"\\]|\\.)*")
    |(?P<regex>/(?:\\/|[^/])*/)
    |(?P<range>[\[{{]{_BLANK}*{_GOOP}{_BLANK}+TO{_BLANK}+{_GOOP}{_BLANK}*[\]}}])
    |(?P<fuzzy>~{_NEXT}*)
    |(?P<boost>\^\d+(?:\.\d+)?)
    |(?P<sign>[+\-!])
    |(?P<colon>:)|(?P<open>\()|(?P<close>\))""",
    re.VERBOSE | re.DOTALL,
)
_WILDCARD = re.compile(r"(?<!\\)(?:\\\\)*[*?]")
_WORD = re.compile(r"\w+")
_OPERATORS = {"AND": "AND", "&&": "AND", "OR": "OR", "||": "OR"}
_VALUES = (Kind.TERM, Kind.BARE, Kind.WILD, Kind.QUOTED, Kind.RANGE, Kind.REGEX)
_WITHOUT_END = {
    '"': "quote without an end",
    "/": "regular expression without an end; a slash in a value is written \\/ or within quotes",
    "[": "range without an end: [FROM TO UNTIL]",
    "{": "range without an end: {FROM TO UNTIL}",
    "]": "unbalanced bracket",
    "}": "unbalanced brace",
    "^": "no number after ^",
    "\\": "nothing after the backslash",
}


def parse(text: str) -> tuple[Clause, ...]:
    """LuceneError at the first mistake of syntax; whether the fields can hold the values, the server decides."""
    if not text.strip():
        raise LuceneError(0, "empty query")
    return _Parser(text).query()


def canonical(text: str) -> str:
    """The same text for queries that differ in nothing but white space. LuceneError, as for parse."""
    return " ".join(token.text.strip() for token in _tokens(text)).strip()


def weight(clauses: tuple[Clause, ...], *, of_any_field: int) -> int:
    """How many clauses a server makes of it; `of_any_field` of a word that names no field."""
    return sum(
        weight(clause.group, of_any_field=1 if clause.field else of_any_field)
        if clause.group
        else clause.words * (1 if clause.field else of_any_field) or 1
        for clause in clauses
    )


def fields(clauses: tuple[Clause, ...], text: str) -> Iterator[str]:
    """The fields that are named, without escapes, in the order they stand."""
    for clause in clauses:
        name = clause.field
        if name == "_exists_":
            name = text[clause.start : clause.end].partition(":")[2].strip()
        if name and name != "*":
            yield re.sub(r"\\(.)", r"\1", name)
        yield from fields(clause.group, text)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0

    def query(self) -> tuple[Clause, ...]:
        clauses = self._clauses(depth=0)
        if self._peek().kind is Kind.CLOSE:
            raise LuceneError(self._peek().start, "unbalanced parenthesis")
        return clauses

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _clauses(self, *, depth: int) -> tuple[Clause, ...]:
        clauses = [self._clause(None, depth=depth)]
        while self._peek().kind not in (Kind.CLOSE, Kind.END):
            joined = _OPERATORS[self._take().text] if self._peek().kind is Kind.CONJUNCTION else None
            clauses.append(self._clause(joined, depth=depth))
        return tuple(clauses)

    def _clause(self, joined: str | None, *, depth: int) -> Clause:
        start = self._peek().start
        sign = self._take().text if self._peek().kind is Kind.SIGN else None
        field = self._field()
        if self._peek().kind is Kind.OPEN:
            group, words, value = self._group(depth=depth + 1), 0, None
        else:
            value = self._peek()
            group, words = (), self._value(field)
        taken = self._tokens[self._at - 1]
        sign = "NOT" if sign == "!" else sign
        if value is None:
            return Clause(joined, sign, field, group, words, start, taken.end)
        after = self._tokens[self._at - 2 : self._at]
        fuzzy = any(token.kind is Kind.FUZZY and token.start >= value.end for token in after)
        return Clause(joined, sign, field, group, words, start, taken.end, value.kind, value.text, fuzzy)

    def _field(self) -> str | None:
        name = self._peek()
        if name.kind is Kind.END or self._tokens[self._at + 1].kind is not Kind.COLON:
            return None
        if name.kind is Kind.WILD and name.text != "*":
            escaped = re.sub(r"(?<!\\)([*?])", r"\\\1", name.text)
            raise LuceneError(name.start, f"a wildcard in the name of a field is written with a backslash: {escaped}:")
        if name.kind not in (Kind.TERM, Kind.WILD):
            return None
        self._at += 2
        return name.text

    def _group(self, *, depth: int) -> tuple[Clause, ...]:
        opened = self._take()
        if depth > MOST_NESTED:
            raise LuceneError(opened.start, "parentheses nested too deeply")
        if self._peek().kind is Kind.CLOSE:
            raise LuceneError(opened.start, "nothing within the parentheses")
        if self._peek().kind is Kind.END:
            raise LuceneError(opened.start, "unbalanced parenthesis")
        clauses = self._clauses(depth=depth)
        if self._peek().kind is not Kind.CLOSE:
            raise LuceneError(opened.start, "unbalanced parenthesis")
        self._take()
        if self._peek().kind is Kind.BOOST:
            self._take()
        return clauses

    def _value(self, field: str | None) -> int:
        """How many words it has."""
        token = self._peek()
        if token.kind not in _VALUES:
            raise self._unexpected(token, field)
        self._take()
        allowed = {Kind.BOOST} if token.kind is Kind.RANGE else {Kind.BOOST, Kind.FUZZY}
        while self._peek().kind in allowed:
            allowed.remove(self._take().kind)
        if token.kind is Kind.TERM:
            return len(_WORD.findall(token.text)) or 1
        return 0 if token.text == "*" else 1

    def _unexpected(self, token: _Token, field: str | None) -> LuceneError:
        if token.kind in (Kind.END, Kind.CLOSE):
            # a field is two tokens: its name and the colon
            before = self._tokens[max(0, self._at - (2 if field else 1))]
            return LuceneError(before.start, f'nothing after "{f"{field}:" if field else before.text}"')
        if field and token.kind is Kind.SIGN:
            return LuceneError(token.start, f'"{token.text}" at the beginning of a value is written \\{token.text}')
        if token.kind is Kind.COLON:
            return LuceneError(token.start, '":" within a value is written \\: or the value stands within quotes')
        return LuceneError(token.start, f'"{token.text}" where a term is expected')


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        found = _TOKENS.match(text, at)
        if found is None:
            raise LuceneError(at, _WITHOUT_END[text[at]])
        if found.lastgroup != "blank":
            yield _Token(_kind(found), at, found.end(), found[0])
        at = found.end()
    yield _Token(Kind.END, at, at, "")


def _kind(found: re.Match[str]) -> Kind:
    if found.lastgroup != "word":
        return Kind[str(found.lastgroup).upper()]
    if found[0] in _OPERATORS:
        return Kind.CONJUNCTION
    if found[0] == "NOT":
        return Kind.SIGN
    return Kind.WILD if _WILDCARD.search(found[0]) else Kind.TERM
