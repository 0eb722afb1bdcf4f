"""Lucene's syntax: mistakes and their columns, fields, weight, parts. Whether servers agree: tests/contract."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.rules.language.lucene import LuceneError, canonical, fields, parse, weight
from alertd.rules.language.parts import Part, take_apart
from alertd.rules.model import Query


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "*:*",
        "a:b",
        "a: b",
        "a:b c:d",
        "+a:b -c:d !e:f",
        "NOT a:b AND NOT (c:d || e:f) && g:h",
        'a:"b c"~2^1.5 OR d:e~1^2 OR f:g*',
        "a:(b OR c AND NOT d)^2",
        "a:[1 TO 5} OR b:{* TO now-1d] OR c:>=5 OR d:<6",
        'a:["x (y" TO "z]"]',
        "a:/s3[.\\/](get|put)+/ OR b:?x*y",
        "_exists_:user.\\*.name",
        "arn\\:aws\\:iam*",
        "a-b+c",
        "a - b",
        "ANDROID ORDER NOTE",
        "((((a))))",
        "a:b\n\tAND\u3000c:d",
    ],
)
def test_what_servers_take_is_right(text: str) -> None:
    """Nothing that works may be refused."""
    assert parse(text)


@pytest.mark.parametrize(
    ("column", "what", "text"),
    [
        (3, "unbalanced parenthesis", "a:(b OR (c)"),
        (4, "unbalanced parenthesis", "a:b) OR c"),
        (3, "quote without an end", 'a:"b'),
        (3, "regular expression without an end; a slash in a value is written \\/ or within quotes", "a:/b"),
        (5, "regular expression without an end; a slash in a value is written \\/ or within quotes", "path/b"),
        (3, "range without an end: [FROM TO UNTIL]", "a:[1 TO 5"),
        (3, "range without an end: {FROM TO UNTIL}", "a:{1 5}"),
        (4, "unbalanced bracket", "a:5]"),
        (1, 'nothing after "a:"', "a: "),
        (9, 'nothing after "c:"', "(a OR b c:)"),
        (5, 'nothing after "AND"', "a:b AND"),
        (5, 'nothing after "NOT"', "a:b NOT"),
        (1, '"AND" where a term is expected', "AND a"),
        (6, '"OR" where a term is expected', "a OR OR b"),
        (1, "nothing within the parentheses", "()"),
        (4, '":" within a value is written \\: or the value stands within quotes', "a:b:c"),
        (3, '"-" at the beginning of a value is written \\-', "a:-5"),
        (1, "a wildcard in the name of a field is written with a backslash: user.\\*:", "user.*:root"),
        (2, "no number after ^", "a^high"),
        (2, "nothing after the backslash", "a\\"),
        (1, "empty query", " \n"),
        (101, "parentheses nested too deeply", "(" * 200 + "a" + ")" * 200),
    ],
)
def test_a_mistake_is_told_with_its_column(column: int, what: str, text: str) -> None:
    """Where it begins, and what to write instead where that is known."""
    with pytest.raises(LuceneError) as raised:
        parse(text)
    assert (column, what) == (raised.value.mistake.column, raised.value.mistake.what)


@given(st.text() | st.text('ab:()[]{}"/\\*?~^+-! \nANDORNTO&|<>=._0'))
def test_any_text_is_judged(text: str) -> None:
    """A mistake stands within the text; nothing else comes out of it."""
    try:
        parse(text)
    except LuceneError as error:
        assert 1 <= error.mistake.column <= len(text) + 1  # noqa: PT017 most texts are right


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (["a", "b.c", "d"], "a:1 AND (b.c:(2 OR 3) OR NOT d:[1 TO 2])"),
        (["b.c"], "_exists_:b.c"),
        (["user.*"], "user.\\*:root"),
        ([], "root *:*"),
    ],
)
def test_the_fields_of_a_query_are_known(expected: list[str], text: str) -> None:
    """Without escapes, in the order they stand."""
    assert expected == list(fields(parse(text), text))


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (1, "*"),
        (1, "a:*"),
        (2, "a:1 OR b:2"),
        (3, "a:(1 OR 2 OR 3)"),
        (4, "a:sts.amazonaws.com OR b:x*"),  # analysed text is asked for each word
        (1, 'a:"sts amazonaws com"'),  # but a phrase is one
        (100, "root"),
        (201, "root NOT admin a:/x y/"),
    ],
)
def test_the_weight_counts_what_a_server_counts(expected: int, text: str) -> None:
    """A word that names no field is asked of all of them."""
    assert expected == weight(parse(text), of_any_field=100)


def test_white_space_is_not_part_of_a_query() -> None:
    """Except within quotes."""
    assert 'a:( b OR "c  d" )' == canonical('\n a:(b\n  OR "c  d")\t').replace(" : ", ":")


def _shape(part: Part) -> object:
    return {part.joined: [_shape(below) for below in part.parts]} if part.parts else part.query.text


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("a:1", "a:1"),
        ({"AND": ["a:1", "NOT b:2", "c:(3 OR 4)"]}, "a:1 AND NOT b:2 AND c:(3 OR 4)"),
        ({"OR": ["a:1", {"AND": ["b:2", "c:3"]}]}, "(a:1 OR (b:2 AND c:3))"),
        ({"OR": ["a:1", "b:2"]}, "a:1 b:2"),
        # Lucene has no precedence: these do not add up
        ("a:1 AND b:2 OR c:3", "a:1 AND b:2 OR c:3"),
        ("a:1 OR NOT b:2", "a:1 OR NOT b:2"),
        ({"AND": ["a:1", "NOT (b:2 OR c:3)"]}, "a:1 AND NOT (b:2 OR c:3)"),
    ],
)
def test_a_query_is_taken_apart_where_its_parts_make_it_up(expected: object, text: str) -> None:
    """At its ANDs, or at its ORs; what is neither stays whole."""
    assert expected == _shape(take_apart(Query("lucene", text, {}, "team.toml:1")))


@pytest.mark.parametrize(
    ("expected", "clause"),
    [
        ('{"term": {"a": 1}}', {"term": {"a": 1}}),
        (
            {"AND": ['{"term": {"a": 1}}', '{"bool": {"must_not": [{"exists": {"field": "b"}}]}}']},
            {"bool": {"filter": [{"term": {"a": 1}}], "must_not": {"exists": {"field": "b"}}}},
        ),
        (
            {"OR": ['{"term": {"a": 1}}', '{"term": {"b": 2}}']},
            {"bool": {"should": [{"term": {"a": 1}}, {"term": {"b": 2}}], "minimum_should_match": 1}},
        ),
        (
            '{"bool": {"should": [{"term": {"a": 1}}], "minimum_should_match": 0}}',
            {"bool": {"should": [{"term": {"a": 1}}], "minimum_should_match": 0}},
        ),
    ],
)
def test_query_dsl_is_taken_apart_too(expected: object, clause: dict[str, object]) -> None:
    """As far as bool goes."""
    assert expected == _shape(take_apart(Query("dsl", "", clause, "team.toml:1")))


def test_the_parts_of_query_dsl_know_their_fields() -> None:
    """What the event has there is shown beside them."""
    clause = {
        "bool": {"filter": [{"term": {"a": 1}}, {"terms": {"b.c": [1]}}], "must_not": [{"exists": {"field": "d"}}]}
    }
    assert ("a", "b.c", "d") == take_apart(Query("dsl", "", clause, "team.toml:1")).fields
