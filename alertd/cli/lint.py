"""What lint knows of a cluster, and how its warnings are printed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from alertd.cli import show
from alertd.config import Settings
from alertd.config.model import Source
from alertd.errors import PartialError, PermanentError, RetryError
from alertd.rules.compile import Clause, candidates, window
from alertd.rules.lint import MOST_DAILY, Known, RuleWarning
from alertd.rules.model import RuleSet
from alertd.search import SearchClient

EVERY_FIELD = ("*",)
_DAY = timedelta(days=1)


def ask_cluster(rule_sets: Sequence[RuleSet], settings: Settings, client: SearchClient) -> dict[str, Known]:
    """By the id of the rule set. What a source or a query does not answer is left out: `check` reports it elsewhere."""
    known: dict[str, Known] = {}
    for name, table in settings.sources.items():
        mine = [rule_set for rule_set in rule_sets if rule_set.source == name]
        with suppress(RetryError, PermanentError, PartialError):
            known |= of_source(mine, table, client)
            for rule_set in mine:
                known[rule_set.id] = replace(known[rule_set.id], heavy=heavy(rule_set, table, client))
    return known


def of_source(rule_sets: Sequence[RuleSet], table: Source, client: SearchClient) -> dict[str, Known]:
    """What its rule sets can know, but for the number of events. RetryError, PermanentError, PartialError."""
    if not rule_sets:
        return {}
    types = client.field_types(table.index, EVERY_FIELD)
    known = Known(table.index, types, complete=True, flavor=client.server().flavor, time_fields=times(table))
    return {rule_set.id: known for rule_set in rule_sets}


def times(table: Source) -> tuple[str, ...]:
    return (*table.time_fields, *((table.ingest_field,) if table.ingest_field else ()))


def heavy(rule_set: RuleSet, table: Source, client: SearchClient) -> frozenset[str]:
    """The rules that matched more events in the last day than anybody reads. Of most sets, the set's own query tells.

    RetryError, PermanentError, PartialError.
    """
    day = window(table.time_fields, _DAY)
    if not any(client.more_than(table.index, query, MOST_DAILY) for query in candidates([rule_set], day)):
        return frozenset()
    own: list[Clause] = [rule_set.query.clause] if rule_set.query else []
    queries = {rule.id: {"bool": {"filter": [day, *own, rule.query.clause]}} for rule in rule_set.rules}
    return frozenset(name for name, query in queries.items() if client.more_than(table.index, query, MOST_DAILY))


def over(settings: Settings, now: datetime) -> Iterator[RuleWarning]:
    """Expected windows that are over."""
    for each in settings.expected:
        if each.until <= now:
            text = f"[[expected]] {each.ticket} is over since {show.moment(each.until)}: remove it"
            yield RuleWarning("R602", settings.path.name, text)


def as_line(warning: RuleWarning) -> str:
    return f"{warning.level:<7} {warning.code} {warning.where}  {warning.text}"


def as_data(warning: RuleWarning) -> Mapping[str, str]:
    """The keys of JSON."""
    return {
        "level": warning.level,
        "code": warning.code,
        "where": warning.where,
        "text": warning.text,
        "rule_set": warning.rule_set,
        "rule": warning.rule,
    }


def count(warnings: Collection[RuleWarning]) -> int:
    """Without notes: what --strict does not let pass."""
    return sum(warning.level == "warning" for warning in warnings)
