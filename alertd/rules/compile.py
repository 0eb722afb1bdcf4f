"""Rules → queries. Pure. Everything is in filter context: nothing is scored, and the server may cache."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from alertd.rules.model import Query, Rule, RuleException, RuleSet

Clause = Mapping[str, object]

# Named clauses in one search: the answer to one must not take long.
MOST_NAMED = 200
# OpenSearch refuses a search of more than 1,024 clauses, counted over all its queries; Elasticsearch allows that or
# more, by its memory. What is left is for the window and for words that become several.
MOST_CLAUSES = 800


def window(
    time_fields: Sequence[str],
    reach: timedelta,
    *,
    ingest_field: str | None = None,
    ingest_reach: timedelta | None = None,
    undated: bool = False,
) -> Clause:
    """What happened, or arrived, within `reach` of the server's own now; with `undated` also what has no time at all.

    Only a length is measured here: a wrong clock on this machine moves nothing. There is no upper bound: an event
    from the future is an event.
    """
    ranges: list[Clause] = [_since(name, reach) for name in time_fields]
    if ingest_field:
        ranges.append(_since(ingest_field, ingest_reach or reach))
    if undated:
        dated = [{"exists": {"field": name}} for name in time_fields]
        ranges.append({"bool": {"must_not": [{"bool": {"should": dated, "minimum_should_match": 1}}]}})
    return {"bool": {"should": ranges, "minimum_should_match": 1}}


def candidates(rule_sets: Sequence[RuleSet], within: Clause) -> Iterator[Clause]:
    """Queries whose hits are all that any rule could match.

    Each hit is named `set:ID`, or `rule:SET/ID` for the rules of a set that has no query of its own.
    """
    for any_of_them in matched_by([pair for rule_set in rule_sets for pair in _candidates(rule_set)]):
        yield {"bool": {"filter": [within, any_of_them]}}


def classification(rule_set: RuleSet, document_ids: Collection[str]) -> Iterator[Clause]:
    """Queries that return every one of the documents, each named by the rules, and their exceptions, that match it."""
    return which_match(named_queries(rule_set), document_ids)


def named_queries(rule_set: RuleSet) -> list[tuple[str, Query]]:
    """Each rule's by its id, and each exception's by its name."""
    rules = [(rule.id, rule.query) for rule in rule_set.rules]
    return rules + [(each.name, each.query) for rule in rule_set.rules for each in rule.exceptions]


def which_match(queries: Sequence[tuple[str, Query]], document_ids: Collection[str]) -> Iterator[Clause]:
    """Queries that return every one of the documents, each with the names of those of `queries` that match it."""
    these = {"ids": {"values": list(document_ids)}}
    for some in _searches(queries) or [[]]:
        # the last clause matches every document, so that one which nothing matches comes back too
        yield {"bool": {"filter": [these, {"bool": {"should": [*some, {"match_all": {}}]}}]}}


def matched_by(queries: Sequence[tuple[str, Query]]) -> Iterator[Clause]:
    """Queries that return every document that one of `queries` matches, with the names of those that do."""
    for some in _searches(queries):
        yield {"bool": {"should": some, "minimum_should_match": 1}}


def probe(clause: Clause) -> Clause:
    """A query that no document matches, but that the server refuses if it refuses the clause."""
    # with no id at all the servers would see that nothing can match, and never look at the clause
    return {"bool": {"filter": [clause, {"ids": {"values": ["alertd looks for no document"]}}]}}


def first_rule(rule_set: RuleSet, matched: Collection[str]) -> tuple[Rule | None, tuple[str, ...]]:
    """The rule that takes an event: the first in file order; and the ids of the others that match it."""
    taking = [rule for rule in rule_set.rules if rule.id in matched]
    return (taking[0], tuple(rule.id for rule in taking[1:])) if taking else (None, ())


def exception_of(rule: Rule, matched: Collection[str], time: datetime) -> RuleException | None:
    """The exception that keeps an event of the rule silent: the first in the file that matches and holds at the time
    of the event, so that one that arrives late is judged by when it happened."""
    return next((each for each in rule.exceptions if each.name in matched and time < each.until), None)


def lucene(text: str) -> Clause:
    """As typed into Discover, and the same on every server whatever its settings.

    Not lenient: a word compared with a number or an address is a mistake to be told, not zero hits.
    """
    asked: dict[str, object] = {"query": text, "default_operator": "OR", "lenient": False}
    if "*" in text or "?" in text:  # with a thousand rules in a search, each word of theirs counts
        asked |= {"analyze_wildcard": True, "allow_leading_wildcard": True}
    return {"query_string": asked}


def _candidates(rule_set: RuleSet) -> Iterator[tuple[str, Query]]:
    if rule_set.query:
        yield f"set:{rule_set.id}", rule_set.query
    else:
        for rule in rule_set.rules:
            yield f"rule:{rule_set.id}/{rule.id}", rule.query


def _searches(queries: Sequence[tuple[str, Query]]) -> list[list[Clause]]:
    """The queries as named clauses, in their order, as many to a search as a server takes."""
    searches: list[list[Clause]] = []
    weight = 0
    for name, query in queries:
        weight += query.weight
        if not searches or len(searches[-1]) == MOST_NAMED or weight > MOST_CLAUSES:
            searches.append([])
            weight = query.weight
        searches[-1].append(_named(name, query.clause))
    return searches


def _named(name: str, clause: Clause) -> Clause:
    # a bool with one filter means the same, and costs the server a quarter more
    return {"constant_score": {"filter": clause, "_name": name}}


def _since(field: str, reach: timedelta) -> Clause:
    # whole seconds, rounded away from now: never a moment less than was asked for
    return {"range": {field: {"gte": f"now-{math.ceil(reach.total_seconds())}s"}}}
