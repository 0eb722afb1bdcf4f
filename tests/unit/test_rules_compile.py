"""Rules → queries: what is asked, and how much of it in one search. That servers answer alike: tests/contract."""

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.rules.compile import (
    MOST_CLAUSES,
    MOST_NAMED,
    candidates,
    classification,
    first_rule,
    lucene,
    probe,
    window,
)
from alertd.rules.model import Query, Rule, RuleFacts, RuleSet, Severity


def _query(text: str, *, weight: int = 1) -> Query:
    return Query("lucene", text, lucene(text), "team.toml:1", weight)


def _rule(rule_id: str, text: str = "a:1", *, weight: int = 1) -> Rule:
    facts = RuleFacts("team", rule_id, rule_id, Severity.LOW)
    return Rule(facts, _query(text, weight=weight), ("security",), "team.toml:1")


def _set(rules: Iterable[Rule], *, set_id: str = "team", query: Query | None = None) -> RuleSet:
    return RuleSet(set_id, "cloudtrail", query, tuple(rules), Path("team.toml"))


def _names(clause: object) -> list[str]:
    """Of the named queries in a clause, in their order."""
    if isinstance(clause, list):
        return [name for item in clause for name in _names(item)]
    if isinstance(clause, Mapping):
        own = [str(clause["_name"])] if "_name" in clause else []
        return own + [name for value in clause.values() for name in _names(value)]
    return []


def _ranges(clause: Mapping[str, object]) -> Any:
    return json.loads(json.dumps(clause))["bool"]["should"]


def test_the_window_is_a_length_before_the_servers_own_now() -> None:
    """A wrong clock here moves nothing; there is no upper bound, an event from the future is an event."""
    clause = window(["eventTime", "@timestamp"], timedelta(hours=1))
    assert [
        {"range": {"eventTime": {"gte": "now-3600s"}}},
        {"range": {"@timestamp": {"gte": "now-3600s"}}},
    ] == _ranges(clause)


def test_a_part_of_a_second_widens_the_window() -> None:
    """Never a moment less than was asked for."""
    assert [{"range": {"t": {"gte": "now-2s"}}}] == _ranges(window(["t"], timedelta(seconds=1, microseconds=1)))


def test_late_arrivals_are_in_the_window_by_the_time_of_ingest() -> None:
    """With a reach of their own; without one, that of the event's time."""
    long, short = timedelta(days=1), timedelta(minutes=10)
    found = _ranges(window(["t"], long, ingest_field="event.ingested", ingest_reach=short))
    assert {"range": {"event.ingested": {"gte": "now-600s"}}} == found[1]
    found = _ranges(window(["t"], long, ingest_field="event.ingested"))
    assert {"range": {"event.ingested": {"gte": "now-86400s"}}} == found[1]


def test_a_set_with_a_query_of_its_own_is_one_candidate_query() -> None:
    """So a quiet poll costs the same for one rule and for a thousand; a set without one is asked by its rules."""
    common = _set((_rule(f"r{n}") for n in range(1_000)), set_id="root", query=_query("b:2"))
    single = _set([_rule("x"), _rule("y")], set_id="team")
    (clause,) = candidates([common, single], {"match_all": {}})
    assert ["set:root", "rule:team/x", "rule:team/y"] == _names(clause)


def test_candidates_are_within_the_window() -> None:
    """The window is a filter of every search, also of the last."""
    within = window(["t"], timedelta(hours=1))
    clauses = list(candidates([_set(_rule(f"r{n}") for n in range(MOST_NAMED + 1))], within))
    assert [within, within] == [clause["bool"]["filter"][0] for clause in map(dict[str, Any], clauses)]


def test_no_rule_set_asks_for_nothing() -> None:
    """Rather than for everything."""
    assert [] == list(candidates([], {"match_all": {}}))


def test_documents_come_back_though_no_rule_matches_them() -> None:
    """Or they would be taken for gone: a set whose rules have all failed still asks for its documents."""
    (clause,) = classification(_set([]), ["1", "2"])
    assert {"bool": {"filter": [{"ids": {"values": ["1", "2"]}}, {"bool": {"should": [{"match_all": {}}]}}]}} == clause


@given(st.lists(st.integers(1, 2 * MOST_CLAUSES), max_size=50) | st.lists(st.just(1), max_size=1_000))
def test_every_rule_is_asked_once_and_no_search_is_too_large(weights: list[int]) -> None:
    """In file order; only a rule that is too large by itself makes a search that is, and is alone in it."""
    rules = [_rule(f"r{n}", weight=weight) for n, weight in enumerate(weights)]
    searches = [_names(clause) for clause in classification(_set(rules), ["1"])]
    assert [rule.id for rule in rules] == [name for search in searches for name in search]
    for search in searches:
        assert len(search) <= MOST_NAMED
        assert len(search) <= 1 or sum(weights[int(name[1:])] for name in search) <= MOST_CLAUSES


def test_a_thousand_rules_are_five_searches() -> None:
    """Not a thousand, and not one that takes long."""
    assert [200] * 5 == [len(_names(c)) for c in classification(_set(_rule(f"r{n}") for n in range(1_000)), ["1"])]


def test_everything_is_in_filter_context() -> None:
    """Nothing is scored: each clause stands below a filter or in a should below one."""
    for clause in (
        *candidates([_set([_rule("x")])], window(["t"], timedelta(hours=1))),
        *classification(_set([_rule("x")]), ["1"]),
        probe(lucene("a:1")),
    ):
        assert {"filter"} == set(json.loads(json.dumps(clause))["bool"])


@pytest.mark.parametrize(
    ("first", "also", "matched"),
    [
        ("a", (), {"a"}),
        ("a", ("b", "c"), {"c", "b", "a"}),
        ("b", ("c",), {"c", "b", "of another set"}),
        (None, (), set()),
    ],
)
def test_an_event_belongs_to_the_first_rule_in_file_order(
    first: str | None, also: tuple[str, ...], matched: set[str]
) -> None:
    """Whatever order the server names them in; the others are told as well."""
    rule, others = first_rule(_set([_rule("a"), _rule("b"), _rule("c")]), matched)
    assert (first, also) == (rule.id if rule else None, others)


def test_lucene_means_the_same_on_every_server() -> None:
    """What a cluster's settings could change is said, where it matters."""
    assert {"query_string": {"query": "a:b", "default_operator": "OR", "lenient": False}} == lucene("a:b")
    assert {
        "query_string": {
            "query": "a:*b",
            "default_operator": "OR",
            "lenient": False,
            "analyze_wildcard": True,
            "allow_leading_wildcard": True,
        }
    } == lucene("a:*b")
