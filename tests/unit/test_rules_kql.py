"""KQL → query DSL, as Kibana translates it without a mapping. Whether servers agree: tests/contract."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.rules.language.kql import KqlError, parse
from alertd.rules.language.parts import Part, take_apart
from alertd.rules.model import Query


def _match(field: str, value: str) -> dict[str, Any]:
    return {"match": {field: value}}


def _any(*clauses: dict[str, Any]) -> dict[str, Any]:
    return {"bool": {"should": list(clauses), "minimum_should_match": 1}}


def _all(*clauses: dict[str, Any]) -> dict[str, Any]:
    return {"bool": {"filter": list(clauses)}}


def _not(clause: dict[str, Any]) -> dict[str, Any]:
    return {"bool": {"must_not": [clause]}}


def _pattern(field: str, text: str) -> dict[str, Any]:
    return {"query_string": {"fields": [field], "query": text, "analyze_wildcard": True, "lenient": False}}


NOT_WITHIN = '"not" within a value: write not before the field, or the value within quotes'
A, B, C = _match("a", "1"), _match("b", "2"), _match("c", "3")


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (A, "a:1"),
        (A, " a : 1 "),
        (_match("a", "x y z"), "a: x y  z".replace("  ", " ")),
        ({"match_phrase": {"a": "x y"}}, 'a:"x y"'),
        (_match("my field", "1"), '"my field":1'),
        ({"exists": {"field": "a"}}, "a:*"),
        ({"match_all": {}}, "*:*"),
        ({"match_all": {}}, "*"),
        (_pattern("a", "x*y"), "a:x*y"),
        (_pattern("a", "arn\\:aws\\:*\\/root"), "a:arn\\:aws\\:*/root"),
        (_match("a", "x*y"), "a:x\\*y"),
        (_pattern("a", "x\\**y"), "a:x\\**y"),
        ({"match_phrase": {"a": "x*"}}, 'a:"x*"'),
        ({"match_phrase": {"a": 'x "y" (z'}}, 'a:"x \\"y\\" (z"'),
        (_all(A, B), "a:1 and b:2"),
        (_any(A, B), "a:1 or b:2"),
        (_any(_all(A, B), C), "a:1 and b:2 or c:3"),
        (_all(A, _any(B, C)), "a:1 AND (b:2 Or c:3)"),
        (_all(_not(A), B), "not a:1 and b:2"),
        (_not(_any(A, B)), "NOT (a:1 or b:2)"),
        (_any(_match("a", "1"), _match("a", "2")), "a:(1 or 2)"),
        (_any(_all(_match("a", "1"), _not(_match("a", "2"))), _match("a", "3")), "a:((1 and not 2) or 3)"),
        ({"range": {"a": {"gte": "5"}}}, "a >= 5"),
        (
            _all({"range": {"a": {"gt": "now-1d"}}}, {"range": {"a": {"lt": "2026-01-01"}}}),
            'a>now-1d and a<"2026-01-01"',
        ),
        (
            {
                "nested": {
                    "path": "n",
                    "query": _all(_match("n.a", "1"), {"exists": {"field": "n.b"}}),
                    "score_mode": "none",
                }
            },
            "n:{ a:1 and b:* }",
        ),
        (
            {"multi_match": {"fields": ["user.*"], "query": "root", "type": "best_fields", "lenient": True}},
            "user.*:root",
        ),
        ({"exists": {"field": "user.*"}}, "user.*:*"),
        ({"multi_match": {"query": "root user", "type": "best_fields", "lenient": True}}, "root user"),
        ({"multi_match": {"query": "root user", "type": "phrase", "lenient": True}}, '"root user"'),
        ({"query_string": {"query": "ro*", "analyze_wildcard": True, "lenient": True}}, "ro*"),
        (_match("a", '(x) and "y" A\t'), 'a:\\(x\\) \\and \\"y\\" \\u0041\\t'),
        (_pattern("a", "Night\\ *"), "a: Night\\ *"),
        (_pattern("a", "Night\\ *"), "a: Night *"),
        (_pattern("a", "*\\ AND\\ \\&\\&x"), "a: *\\ AND &&x"),
        (_pattern("a", "x\\\u3000*"), "a:x\\u3000*"),
        (_match("a", "Night "), "a:Night\\ "),
        ({"match_phrase": {"a": ""}}, 'a:""'),
        ({"match_phrase": {"a": "C:\\dir\\*"}}, 'a:"C:\\dir\\*"'),
        (_match("a", "😀"), "a:\\uD83D\\uDE00"),
        ({"multi_match": {"fields": ["my-app.*"], "query": "x", "type": "best_fields", "lenient": True}}, "my-app.*:x"),
        ({"exists": {"field": "my-app.*"}}, "my-app.*:*"),
        (_match("order", "android"), "order:android"),
        (_match("notes", "nothing"), "notes:nothing"),
        (_match("a", "not"), "a: not"),
        (_match("a", "and.or-x"), "a: \\and.\\or-x"),
        (_match("a", "CORP\\alice"), "a: CORP\\\\alice"),
        ({"match_phrase": {"a": "CORP\\alice"}}, 'a: "CORP\\alice"'),
        ({"match_phrase": {"a": "not b"}}, 'a: "not b"'),
        (_match("a", "<(b)> or"), "a: \\<\\(b\\)\\> \\or"),
    ],
)
def test_kql_means_what_it_means_in_discover(expected: dict[str, Any], text: str) -> None:
    """Values, phrases, patterns, ranges, nested objects, precedence and escapes."""
    assert expected == parse(text).clause


@pytest.mark.parametrize(
    ("column", "what", "text"),
    [
        (1, "empty query", " "),
        (1, 'nothing after "a:"', "a:"),
        (5, 'nothing after "and"', "a:1 and"),
        (9, 'nothing after "not"', "a:1 and not"),
        (3, 'nothing after ">="', "a >="),
        (1, 'nothing after "a:("', "a:()"),
        (3, "unbalanced parenthesis", "a:(1 or"),
        (4, "unbalanced parenthesis", "a:1)"),
        (1, "unbalanced parenthesis", "((a:1) and b:2"),
        (3, "unbalanced brace", "n:{ a:1"),
        (3, "quote without an end", 'a:"x'),
        (4, "nothing after the backslash", "a:x\\"),
        (4, 'a ":" within a value is written \\: or the value stands within quotes', "a:b:c"),
        (3, '"<5" where a value is expected', "a:<5"),
        (5, '"c" where and, or is expected', 'a:b "c"'),
        (1, '">" where a field or a value is expected', "> 5"),
        (3, 'write the word within quotes: "not"', "a:\\not"),
        (8, "\\a is no escape: write \\\\ for a backslash, or the value within quotes", "a: CORP\\alice"),
        (3, "\\a is no escape: write \\\\ for a backslash, or the value within quotes", "a:\\andy"),
        (3, "\\u is no escape: write \\\\ for a backslash, or the value within quotes", "a:\\user*"),
        (7, "\\U is no escape: write \\\\ for a backslash, or the value within quotes", "a:(C\\:\\Users or b)"),
        (2, "\\. is no escape: write \\\\ for a backslash, or the value within quotes", "a\\.b: 1"),
        (4, NOT_WITHIN, "a: not b"),
        (4, NOT_WITHIN, "a: NOT b*"),
        (5, NOT_WITHIN, "a > not 5"),
        (3, "\\u with half a sign: write the sign itself", 'a:"\\uD83D"'),
        (5, "a range ends at a value, not at a pattern: leave the * out, or write field: value*", "a > 2026-*"),
        (1, "exactly one field is named here, without *: write a clause for each, with or between them", "a* > 5"),
        (1, "the name of a field cannot hold ^ or *, no server would look for it", "a^2: 5"),
        (1, "the name of a field cannot hold ^ or *, no server would look for it", '"a*": *'),
    ],
)
def test_a_mistake_is_told_with_its_column(column: int, what: str, text: str) -> None:
    """Where it begins, and what is missing or too much."""
    with pytest.raises(KqlError) as caught:
        parse(text)
    assert (column, what) == (caught.value.mistake.column, caught.value.mistake.what)


@given(st.text() | st.text('ab:()[]{}"\\*<>= \nandortu0'))
def test_any_text_is_judged(text: str) -> None:
    """A clause or a mistake within the text; nothing else comes out of it."""
    assert _judged(text) in range(len(text) + 2)


def _judged(text: str) -> int:
    """The column of the mistake, 0 for none."""
    try:
        parse(text)
    except KqlError as error:
        return error.mistake.column
    return 0


def _shape(part: Part) -> object:
    return {part.joined: [_shape(below) for below in part.parts]} if part.parts else (part.query.text, part.fields)


def test_kql_is_taken_apart_as_it_is_written() -> None:
    """Each part in its own words, with its fields; the values of one field stay together."""
    text = "a:1 and not b:2 and (c:(3 or 4) or n:{ d:5 })"
    assert {
        "AND": [
            ("a:1", ("a",)),
            ("not b:2", ("b",)),
            {"OR": [("c:(3 or 4)", ("c",)), ("n:{ d:5 }", ("n.d",))]},
        ]
    } == _shape(take_apart(Query("kql", text, {}, "team.toml:1")))
