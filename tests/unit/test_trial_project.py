"""Which fields queries look at, and what is left of an event without the others."""

import pytest

from alertd.rules.compile import lucene
from alertd.rules.language.fields import named_fields
from alertd.rules.model import Query
from alertd.trial.project import project, tree_of


def _lucene(text: str) -> Query:
    return Query("lucene", text, lucene(text), "x.toml:1")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("a.b:1 AND NOT c:(2 OR 3)", {"a.b", "c"}),
        ("_exists_:a.b", {"a.b"}),
        ("*", set()),
        ("a:1 OR *:*", {"a"}),
        ("a:*", {"a"}),
        ("word", None),
        ("a:1 AND word", None),
        ("a:1 AND (b:2 OR word)", None),
        (r"a\*:1", None),
        ("*:word", None),
        ("_index:x", None),
        ('"two words"', None),
    ],
)
def test_a_lucene_query_names_its_fields_or_looks_at_any(text: str, fields: set[str] | None) -> None:
    """None where leaving out a field could change the answer."""
    assert fields == named_fields(_lucene(text))


@pytest.mark.parametrize(
    ("clause", "fields"),
    [
        ({"bool": {"filter": [{"term": {"a": 1}}], "must_not": {"exists": {"field": "b"}}}}, {"a", "b"}),
        ({"terms": {"a": [1, 2], "boost": 2}}, {"a"}),
        ({"bool": {"should": [{"range": {"a": {"gt": 1}}}], "minimum_should_match": 1}}, {"a"}),
        ({"match_all": {}}, set()),
        ({"query_string": {"query": "a:1"}}, None),
        ({"query_string": {"query": "x* AND (b:1 OR _exists_:c)", "fields": ["a"]}}, {"a", "b", "c"}),
        ({"query_string": {"query": "x", "fields": ["a*"]}}, None),
        ({"query_string": {"query": "_index:x", "fields": ["a"]}}, None),
        ({"query_string": {"query": "x AND (y OR *:z)", "fields": ["a"]}}, None),
        ({"query_string": {"query": "(", "fields": ["a"]}}, None),
        ({"multi_match": {"query": "x:1", "fields": ["a", "b"]}}, {"a", "b"}),
        ({"multi_match": {"query": "x", "fields": ["a", "b^2"]}}, None),
        ({"multi_match": {"query": "x", "type": "phrase"}}, None),
        ({"nested": {"path": "a", "query": {"term": {"a.b": 1}}}}, None),
        ({"script": {"script": "doc['a']"}}, None),
        ({"exists": {"field": "a*"}}, None),
    ],
)
def test_a_dsl_query_names_its_fields_or_looks_at_any(clause: dict[str, object], fields: set[str] | None) -> None:
    """Only what is known to look at one field is believed to."""
    assert fields == named_fields(Query("dsl", "", clause, "x.toml:1"))


@pytest.mark.parametrize(
    ("document", "left"),
    [
        ({"a": {"b": 1, "x": 2}, "x": 3}, {"a": {"b": 1}}),
        ({"a.b": 1, "a.x": 2}, {"a.b": 1}),
        ({"a": [{"b": 1, "x": 2}, 3]}, {"a": [{"b": 1}, 3]}),
        ({"c": "text"}, {"c": "text"}),
        ({"c": {"keyword": 1, "x": 2}}, {"c": {"keyword": 1}}),
        ({"d": {"deep": {"er": 1}}}, {"d": {"deep": {"er": 1}}}),
        ({"e.f": {"g": 1, "x": 2}}, {"e.f": {"g": 1}}),
        ({}, {}),
    ],
)
def test_what_no_query_looks_at_is_left_out(document: dict[str, object], left: dict[str, object]) -> None:
    """Nested, with dotted keys, or both; c.keyword is another way to look at c."""
    assert left == project(document, tree_of({"a.b", "c.keyword", "d", "d.deep", "e.f.g"}))
