"""What lint knows without a cluster: the fields of the tests' events, in the mapping that the tests use."""

from collections.abc import Mapping, Sequence

from alertd.cli import lint
from alertd.cli.test_rule.given import Given
from alertd.rules.lint import Known
from alertd.rules.mappings import for_flavor, mapping_for
from alertd.rules.model import RuleSet
from alertd.search import SearchClient
from alertd.search.embedded import EmbeddedServer
from alertd.trial import index_name

_EMPTY = "alertd-lint"


def tested_fields(
    sets: Sequence[RuleSet],
    asked: Given,
    server: EmbeddedServer,
    search: SearchClient,
    *,
    mapping: Mapping[str, object] | None,
    name: str,
) -> dict[str, Known]:
    """By the id of the rule set, once its tests have run. `mapping`, of an index: it tells which fields there are."""
    flavor = search.server().flavor
    bare = [for_flavor(mapping, flavor=flavor)] if mapping else [mapping_for(kind, flavor=flavor) for kind in _SHAPES]
    for number, each in enumerate(bare):
        server.create_index(f"{_EMPTY}-{number}", each)
    filled = search.indices("alertd-*")
    known = {}
    for rule_set in sets:
        prefix = f"{index_name(rule_set)}-"
        # not those of a set whose id begins with this one's
        own = [index for index in filled if index.startswith(prefix) and index.removeprefix(prefix).isdigit()]
        types = search.field_types(",".join([*own, f"{_EMPTY}-*"]), lint.EVERY_FIELD)
        table = asked.settings.sources.get(rule_set.source) if asked.settings else None
        known[rule_set.id] = Known(
            name or "the mapping that the tests use",
            types,
            complete=mapping is not None,
            flavor=asked.settings.elasticsearch.flavor if asked.settings else "",
            time_fields=lint.times(table) if table else (),
        )
    return known


_SHAPES = ("raw", "ecs")
