"""How far a query is from an event, counted in the parts that do not match."""

from collections.abc import Collection, Sequence

import pytest

from alertd.rules.compile import lucene
from alertd.rules.model import Query, Sample
from alertd.trial.explain import explain, misses

HOLDING = {"a:1", "b:1", "NOT c:1", "(a:1 AND b:1)"}


def _ask(asked: Sequence[tuple[str, Query]]) -> Collection[str]:
    return [name for name, query in asked if query.text in HOLDING]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a:1", 0),
        ("x:1", 1),
        ("a:1 AND x:1 AND y:1", 2),
        ("(x:1 AND y:1) OR (a:1 AND z:1)", 1),  # the nearest way
        ("a:1 AND (x:1 OR y:1)", 1),
        ("(a:1 AND b:1) AND (x:1 AND y:1)", 2),
        ("a:1 x:1 AND y:1", 1),  # cannot be taken apart
    ],
)
def test_a_query_is_as_far_as_the_parts_that_do_not_match(text: str, count: int) -> None:
    """Of several ways to match, the nearest counts."""
    assert [count, 0] == misses([_query(text), _query("a:1")], _ask)


def test_of_a_long_value_the_length_is_told() -> None:
    """A keyword keeps no value beyond its limit: seeing the beginning alone, nobody would think of that."""
    sample = Sample({"a": "y" * 257, "b": "z" * 80}, "event.json")
    shown = [part.values for part in explain(_query("a.keyword:y* AND b:x"), sample, _ask)]
    assert [(("a.keyword", "y" * 79 + "… (257 characters)"),), (("b", "z" * 80),)] == shown


def _query(text: str) -> Query:
    return Query("lucene", text, lucene(text), "r.toml:1")


def test_of_several_values_more_than_the_first_is_shown() -> None:
    """The one that a person looks for may be any of them."""
    sample = Sample({"a": [{"b": name} for name in ("x", "y", "y", "z", "u", "v")]}, "event.json")
    [part] = explain(_query("a.b:w"), sample, _ask)
    assert (("a.b", "x, y, z and 2 more"),) == part.values


def test_of_many_values_those_that_are_most_like_what_is_asked_stand_first() -> None:
    """Of a hundred, the first three are seldom what matters."""
    names = [f"arn:aws:s3:::bucket-{number}" for number in range(100)]
    sample = Sample({"a": [*names, "arn:aws:s3:::Logs-eu", "logs"]}, "event.json")
    [part] = explain(_query('a:"arn:aws:s3:::logs-eu"'), sample, _ask)
    [(_, shown)] = part.values
    assert shown.startswith("arn:aws:s3:::Logs-eu, logs, ")
    assert shown.endswith(" and 99 more")
