"""Queries that the search server refuses, set aside so that the others go on."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from alertd.ops.trouble import Troubles
from alertd.rules.compile import named_queries
from alertd.rules.model import Query, RuleSet
from alertd.search import SearchClient

# Rule set and the name of the query in it: a rule's id, an exception's name, or "" for the set's own.
Place = tuple[str, str]


@dataclass(slots=True)
class Refused:
    """Of one source. An exception that is refused keeps nothing silent: its rule's events are told."""

    index: str
    troubles: Troubles
    _places: dict[Place, str] = field(default_factory=dict)  # → why

    def __bool__(self) -> bool:
        return bool(self._places)

    def without(self, rule_sets: Sequence[RuleSet]) -> tuple[RuleSet, ...]:
        """The rule sets with what is left of them."""
        if not self._places:  # nearly always: a thousand rules are not copied for nothing at each poll
            return tuple(rule_sets)
        return tuple(self._without(rule_set) for rule_set in rule_sets if (rule_set.id, "") not in self._places)

    def find(self, rule_sets: Sequence[RuleSet], search: SearchClient) -> bool:
        """Ask for each query alone whether the server takes it. Whether one was found that it does not."""
        found = {
            (rule_set.id, name): why
            for rule_set in self.without(rule_sets)
            for name, why in refused_of(rule_set, search, self.index)
        }
        self._places.update(found)
        self.report()
        return bool(found)

    def report(self) -> None:
        """It lasts: people are reminded."""
        for place, why in self._places.items():
            self.troubles.begin(_subject(place), f"is refused by the search server: {why} The others go on.")

    def settle(self, rule_sets: Sequence[RuleSet]) -> None:
        """After a complete sweep. A new start knows of no refusal, and yet ends its trouble."""
        for place in ((rule_set.id, name) for rule_set in rule_sets for name, _ in _queries(rule_set)):
            if place not in self._places:
                self.troubles.end(_subject(place))

    def try_again(self, rule_sets: Sequence[RuleSet], search: SearchClient) -> bool:
        """What was refused because of the data's mapping may work by now. Whether something does."""
        queries = {(rule_set.id, name): query for rule_set in rule_sets for name, query in _queries(rule_set)}
        mended = [place for place in self._places if search.validate(self.index, queries[place].clause) is None]
        for place in mended:
            del self._places[place]
        return bool(mended)

    def _without(self, rule_set: RuleSet) -> RuleSet:
        return without(rule_set, {name for set_id, name in self._places if set_id == rule_set.id})


def without(rule_set: RuleSet, names: Collection[str]) -> RuleSet:
    """What is left of it without the queries of these names; of one whose own query is among them, nothing is."""
    rules = () if "" in names else (rule for rule in rule_set.rules if rule.id not in names)
    return replace(
        rule_set,
        query=None if "" in names else rule_set.query,
        rules=tuple(
            replace(rule, exceptions=tuple(each for each in rule.exceptions if each.name not in names))
            for rule in rules
        ),
    )


def where_refused(rule_set: RuleSet, names: Mapping[str, str]) -> tuple[str, ...]:
    """For people: the place and the name of each of these queries, and why the server refuses it."""
    return tuple(
        f"{query.where} {name or rule_set.id}: is refused by the search server: {names[name]}"
        for name, query in _queries(rule_set)
        if name in names
    )


def _queries(rule_set: RuleSet) -> list[tuple[str, Query]]:
    return ([("", rule_set.query)] if rule_set.query else []) + named_queries(rule_set)


def refused_of(rule_set: RuleSet, search: SearchClient, index: str) -> Iterator[tuple[str, str]]:
    """The names of its queries that the server does not take, with the reason."""
    for name, query in _queries(rule_set):
        if why := search.validate(index, query.clause):
            yield name, why
            if not name:
                return  # without the set's own query none of its rules is searched


def _subject(place: Place) -> str:
    rule_set, name = place
    if not name:
        return f"rule set {rule_set}"
    return f"the exception {name}" if "#" in name else f"rule {name}"
