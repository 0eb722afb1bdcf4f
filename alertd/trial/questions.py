"""Puts events into indices of our own, and asks which queries match them."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from alertd.errors import PartialError, PermanentError
from alertd.rules.compile import candidates, matched_by, named_queries, probe, which_match
from alertd.rules.mappings import mapping_for
from alertd.rules.model import Query, RuleSet
from alertd.search import Hit, Search, SearchClient

# (index, mapping, documents by id): makes the index with these documents, so that searches find them when it returns.
# Answers why the server refused a document, by id.
FillIndex = Callable[[str, Mapping[str, object], Mapping[str, Mapping[str, object]]], Mapping[str, str]]

PAGE_SIZE = 1_000
TIMEOUT = timedelta(seconds=30)

_EVERYTHING: Mapping[str, object] = {"match_all": {}}


@dataclass(frozen=True, slots=True)
class Questions:
    search: SearchClient
    indices: Sequence[str]
    fields: tuple[str, ...]
    page_size: int = PAGE_SIZE

    def hits(self, query: Mapping[str, object]) -> Iterator[Hit]:
        if self.indices:
            asked = Search(",".join(self.indices), query, self.fields, self.page_size, TIMEOUT)
            for page in self.search.pages(asked):
                yield from page

    def candidates(self, rule_sets: Sequence[RuleSet]) -> set[str]:
        """The ids of all documents that some rule could match."""
        return {hit.id for clause in candidates(rule_sets, _EVERYTHING) for hit in self.hits(clause)}

    def which_match(self, queries: Sequence[tuple[str, Query]], ids: Collection[str]) -> dict[str, Hit]:
        """The documents by their ids, each `matched` by the names of all queries that match it."""
        found: dict[str, Hit] = {}
        for clause in which_match(queries, ids):
            for hit in self.hits(clause):
                known = found.get(hit.id, hit)
                found[hit.id] = replace(hit, matched=tuple(dict.fromkeys((*known.matched, *hit.matched))))
        return found

    def matched_by(self, queries: Sequence[tuple[str, Query]]) -> dict[str, frozenset[str]]:
        """The names of the queries that match each document, by its id; documents that none matches are left out."""
        found: dict[str, set[str]] = {}
        for clause in matched_by(queries):
            for hit in self.hits(clause):
                found.setdefault(hit.id, set()).update(hit.matched)
        return {name: frozenset(matched) for name, matched in found.items()}

    def refused(self, rule_set: RuleSet) -> dict[str, str]:
        """Queries that the server refuses, by their names, with its reason; "" is the set's own."""
        own = self.refused_of([("", rule_set.query)]) if rule_set.query else {}
        return own or self.refused_of(named_queries(rule_set))

    def refused_of(self, queries: Sequence[tuple[str, Query]]) -> dict[str, str]:
        return {name: why for name, query in queries if (why := self._why_refused(query))}

    def _why_refused(self, query: Query) -> str | None:
        try:
            any(self.hits(probe(query.clause)))
        except (PermanentError, PartialError) as error:
            return str(error)
        return None


def fill(
    name: str,
    documents: Mapping[str, Mapping[str, Mapping[str, object]]],
    *,
    flavor: str,
    fill_index: FillIndex,
    mapping: Mapping[str, object] | None,
) -> tuple[list[str], dict[str, str]]:
    """`documents` by their shape and id → the indices that hold them, and why no index takes some of them.

    Documents of one shape share an index; one that does not get along with those before it comes into the next.
    """
    indices: list[str] = []
    refused = {}
    for shape, some in documents.items():
        waiting = dict(some)
        while waiting:
            indices.append(f"{name}-{len(indices)}")
            why = fill_index(indices[-1], mapping or mapping_for(shape, flavor=flavor), waiting)
            first = next(iter(waiting))
            if first in why:  # it had the index to itself
                refused[first] = why[first]
            waiting = {number: waiting[number] for number in why if number != first}
    return indices, refused
